"""The command `models check`: a dry run before anything is certified."""

import argparse
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from irs_core.cli.inputs import (
    MAX_IMAGES,
    add_data_options,
    add_model_options,
    data_spec,
    model_spec,
)
from irs_core.cli.named import read_models
from irs_core.cli.options import add_json_option
from irs_core.cli.printing import print_json
from irs_core.spec.compressions import Compression
from irs_core.spec.study import BACKENDS, DataSpec, ModelSpec

if TYPE_CHECKING:
    from irs_core.run.forecast import Forecast

# Noisy copies of each image.
DRAWS = 20


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
    parser.add_argument("--draws", type=int, default=DRAWS, help="noisy copies per image")
    parser.add_argument(
        "--compress", nargs="*", default=[], metavar="C", help="compressed models, as in certify"
    )
    parser.add_argument("--backend", choices=BACKENDS, default="auto", help="what runs the models")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--batch", type=int, help="copies per forward pass")
    add_json_option(parser)
    parser.set_defaults(run=dry_run, max=MAX_IMAGES)


def dry_run(
    arguments: argparse.Namespace, forecast: "Callable[[], Forecast] | None" = None
) -> None:
    """Run the models that the options describe on some images and print what was measured."""
    data = data_spec(arguments)
    model, compressions = read_models(model_spec(arguments), arguments.compress, data)
    check_models(model, compressions, data, arguments, forecast)


def check_models(
    model: ModelSpec,
    compressions: tuple[Compression, ...],
    data: DataSpec,
    arguments: argparse.Namespace,
    forecast: "Callable[[], Forecast] | None" = None,
) -> None:
    """Run models on some images and print what was measured.

    Args:
        arguments: Noise, draws, and how to run and print.
        forecast: Measures what the study will take, which is printed as well.
    """
    from irs_core.check import check_model
    from irs_core.run.options import RunOptions

    whole, most = spread(data)
    report = check_model(
        model,
        whole,
        sigma=arguments.sigma,
        compressions=compressions,
        seed=arguments.seed,
        draws=arguments.draws,
        most=most,
        options=RunOptions(arguments.device, arguments.batch, arguments.backend, programs=True),
    )
    if arguments.json:
        told = {} if forecast is None else {"forecast": forecast().to_json()}
        print_json("models check", {**report.to_json(), **told})
        return
    print(f"{report.model}\n{report.data}, {arguments.draws} noisy copies each\n{report.sees}")
    for note in report.notes:
        print(f"note: {note}")
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
    for offer in report.offers:
        print(f"what helps: {offer}")
    for flag in report.flags:
        print(f"flag {flag.code}: {flag.sentence}; see {flag.anchor}")
    if forecast is not None:
        _print_forecast(forecast())


def _print_forecast(found: "Forecast") -> None:
    stored = f", {found.stored:,} of them stored" if found.stored else ""
    print(f"the study: {found.draws:,} draws{stored}; about {found.seconds:.1f} s")
    print(
        f"  {found.setup:.1f} s until the first draw, {found.sampling:.1f} s of drawing, "
        f"{found.closing:.1f} s after the last; memory {found.memory_mb:,.0f} MB"
    )
    rates = ", ".join(f"{name} {rate:,.0f}" for name, rate in found.rates.items())
    print(f"  draws a second, measured for a second: {rates}")


def spread(data: DataSpec) -> tuple[DataSpec, int | None]:
    """The data, and how many of them to try, from all over them: many are sorted by class.

    Whoever chose a step, as by --skip, gets what they chose.
    """
    return (data, None) if data.stride > 1 else (replace(data, max=None), data.max)
