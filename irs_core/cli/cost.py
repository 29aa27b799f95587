"""The command `models cost`: size as deployed and speed without noise."""

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from irs_core.cli.inputs import (
    MAX_IMAGES,
    add_data_options,
    add_model_options,
    data_spec,
    model_spec,
)
from irs_core.cli.named import read_models
from irs_core.cli.options import add_json_option, add_store_option
from irs_core.cli.printing import print_json
from irs_core.errors import SpecError
from irs_core.spec.cost import ALONE, ModelCost
from irs_core.spec.outward import up
from irs_core.spec.study import BACKENDS
from irs_core.store import Library

if TYPE_CHECKING:
    from irs_core.run.options import RunOptions


def add_cost(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `cost` to the actions of `models`."""
    parser = actions.add_parser(
        "cost",
        help="size as deployed, time of one image alone, images per second",
        description="Measures a model and its compressed versions without noise. Sizes are those "
        "of packed weights; what is only emulated here says so. With --study, the models of a "
        "study are measured and the result is kept in it, for limits on size and time.",
    )
    add_model_options(parser, positional=True)
    parser.add_argument("--study", metavar="ID", help="measure the models of a live study, keep it")
    add_data_options(parser)
    parser.add_argument(
        "--compress", nargs="*", default=[], metavar="C", help="compressed models, as in certify"
    )
    parser.add_argument("--runs", type=int, default=200, help="images that go through alone, >= 1")
    parser.add_argument("--layers", action="store_true", help="also bits of each layer's weights")
    parser.add_argument("--backend", choices=BACKENDS, default="auto", help="what runs the models")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--batch", type=int, help="images per forward pass of full batches")
    add_json_option(parser)
    add_store_option(parser)
    model = next(one for one in parser._actions if one.dest == "model")
    model.nargs, model.default, model.required = "?", None, False
    parser.set_defaults(run=_cost, max=MAX_IMAGES)


def _cost(arguments: argparse.Namespace) -> None:
    if (arguments.model is None) == (arguments.study is None):
        raise SpecError("models cost takes a model, or --study ID; got both or neither")
    if arguments.runs < 1:
        raise SpecError(f"--runs must be at least 1; got {arguments.runs}")
    from irs_core.run.options import RunOptions

    # What a study stores is not named by whoever asks for its cost, and not run as code.
    named = arguments.study is None
    options = RunOptions(arguments.device, arguments.batch, arguments.backend, programs=named)
    found = _of_model(arguments, options) if arguments.study is None else _of(arguments, options)
    if arguments.json:
        print_json("models cost", {"alone": ALONE, "models": found})
        return
    _show([(one["title"], ModelCost.from_json(one["cost"])) for one in found], arguments.layers)


def _of_model(arguments: argparse.Namespace, options: "RunOptions") -> list[dict[str, Any]]:
    from irs_core.cost import measure_costs

    data = data_spec(arguments)
    model, compressions = read_models(model_spec(arguments), arguments.compress, data)
    rows = measure_costs(model, data, compressions, runs=arguments.runs, options=options)
    return [asdict(one) for one in rows]


def _of(arguments: argparse.Namespace, options: "RunOptions") -> list[dict[str, Any]]:
    from irs_core.cost import keep_costs

    library = Library(arguments.store)
    record = keep_costs(library, arguments.study, runs=arguments.runs, options=options)
    return [
        {
            "name": one.name,
            "title": one.title,
            "note": one.note,
            "digest": one.digest,
            "execution": one.execution,
            "cost": one.cost.to_json(),
        }
        for one in record.models
        if one.cost is not None
    ]


def _show(rows: list[tuple[str, ModelCost]], layers: bool) -> None:
    first = rows[0][1]
    print(f"{ALONE}, of {first.speed.runs}, on {first.speed.hardware}; images/s in full batches")
    width = max(len(title) for title, _ in rows)
    print(f"{'model':<{width}}  {'p50 ms':>8}  {'p95 ms':>8}  {'images/s':>9}  size  (run by)")
    for title, cost in rows:
        speed = cost.speed
        print(
            f"{title:<{width}}  {up(speed.p50_ms, 3):>8}  {up(speed.p95_ms, 3):>8}  "
            f"{speed.per_second:>9,.0f}  {cost.size.words}  ({speed.runtime}, batch {speed.batch})"
        )
    for title, cost in rows if layers else []:
        for one in cost.size.layers:
            held = f" (emulated: {one.held:g} here)" if one.bits < one.held else ""
            print(f"{title}: {one.name}, {one.weights:,} weights of {one.bits:.3g} bits{held}")
