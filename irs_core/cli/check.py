"""The command `models check`: a dry run before anything is certified."""

import argparse

from irs_core.cli.certify import (
    add_data_options,
    add_model_options,
    data_spec,
    model_spec,
)
from irs_core.cli.named import read_models
from irs_core.spec.study import BACKENDS


def add_check(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `check` to the actions of `models`."""
    parser = actions.add_parser(
        "check",
        help="dry run: accuracy with and without noise, speed, agreement",
        description="Reads a model and runs it on some images, without and with noise. Nothing is "
        "stored.",
    )
    add_model_options(parser, positional=True)
    add_data_options(parser)
    parser.add_argument("--sigma", type=float, default=0.5, help="noise, pixel units, > 0")
    parser.add_argument("--seed", type=int, default=0, help="seed of the noise, >= 0")
    parser.add_argument("--draws", type=int, default=20, help="noisy copies per image")
    parser.add_argument(
        "--compress", nargs="*", default=[], metavar="C", help="compressed models, as in certify"
    )
    parser.add_argument("--backend", choices=BACKENDS, default="auto", help="what runs the models")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.set_defaults(run=_check, max=100)


def _check(arguments: argparse.Namespace) -> None:
    from irs_core.check import check_model
    from irs_core.run.options import RunOptions

    data = data_spec(arguments)
    model, compressions = read_models(model_spec(arguments), arguments.compress, data)
    report = check_model(
        model,
        data,
        sigma=arguments.sigma,
        compressions=compressions,
        seed=arguments.seed,
        draws=arguments.draws,
        options=RunOptions(device=arguments.device, backend=arguments.backend, programs=True),
    )
    print(f"{report.model}\n{report.data}, {arguments.draws} noisy copies each")
    width = max(len(row.title) for row in report.rows)
    heads = ("clean", "noisy", "by vote", "agrees", "per s")
    print(f"{'model':<{width}}  {'  '.join(f'{one:<7}' for one in heads)}  {'digest':<16}  run by")
    for row in report.rows:
        shares = (row.clean, row.noisy, row.voted, row.agreement)
        cells = [*(f"{one:<7.1%}" for one in shares), f"{row.rate:<7.0f}", row.digest[:16]]
        print(f"{row.title:<{width}}  {'  '.join(cells)}  {row.execution}")
    for row in report.rows:
        print(f"{row.title}: {row.fixed}")
    for sentence in report.warnings:
        print(f"warning: {sentence}")
