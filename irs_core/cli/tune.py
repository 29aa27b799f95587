"""The command `tune`: which layers may be compressed, and a search for the mix that may ship."""

import argparse
from dataclasses import replace
from typing import Any

from irs_core.cli.inputs import add_data_options, add_model_options, data_spec, model_spec
from irs_core.cli.measuring import measured
from irs_core.cli.options import add_json_option, add_store_option
from irs_core.cli.printing import print_json
from irs_core.cli.searching import add_search_options, search, show
from irs_core.cli.shipping import add_export
from irs_core.errors import SpecError
from irs_core.spec.mixed import parse_treatment
from irs_core.spec.outward import text
from irs_core.spec.paths import settled as settled_path
from irs_core.spec.study import DataSpec, ModelSpec, NoiseSpec
from irs_core.store import Library
from irs_core.tune.record import Effect, Sensitivity, save


def add_tune(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command `tune`."""
    parser = commands.add_parser(
        "tune",
        help="search for the mixed compression that may ship; rank layers by what they cost",
        description="Proposes mixed compressions from the sensitivity of layers, certifies all of "
        "them against one original until each is settled, and names the best one that may ship.",
    )
    add_search_options(parser)
    add_store_option(parser)
    add_json_option(parser)
    parser.set_defaults(run=search)
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    _add_sensitivity(actions)
    results = actions.add_parser("results", help="where a search stands")
    results.add_argument("id", help="study of the search")
    results.add_argument(
        "--measure", action="store_true", help="size and time of candidates that may ship"
    )
    add_store_option(results, again=True)
    add_json_option(results, again=True)
    results.set_defaults(run=show)
    add_export(actions)


def _add_sensitivity(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser(
        "sensitivity",
        help="what each treatment of each layer does to answers under noise",
        description="Runs the network once per noisy image and each changed copy from its changed "
        "layer on. Intervals of the leave rates hold together. Images are held-out or training "
        "images, never those of a certificate.",
    )
    add_model_options(parser, positional=True)
    add_data_options(parser)
    parser.add_argument("--study", metavar="ID", help="take model, data and noise of a study")
    parser.add_argument("--sigma", type=float, default=0.5, help="noise, pixel units, > 0")
    parser.add_argument("--radius", type=float, help="at which certificates are compared")
    parser.add_argument(
        "--treatments",
        nargs="+",
        default=["int8"],
        metavar="T",
        help="such as int8, int4, bf16, 2:4, prune:0.3, channels:0.25, lowrank:0.9",
    )
    parser.add_argument("--groups", action="store_true", help="also each block as a whole")
    parser.add_argument(
        "--times",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="measure the time that each change saves, on OpenVINO",
    )
    parser.add_argument("--images", type=int, default=100, help="at most so many images")
    parser.add_argument("--draws", type=int, default=128, help="noisy copies of each image")
    parser.add_argument("--seed", type=int, default=1, help="of the noise")
    add_store_option(parser, again=True)
    add_json_option(parser, again=True)
    model = next(one for one in parser._actions if one.dest == "model")
    model.nargs, model.default, model.required = "?", None, False
    parser.set_defaults(run=_sensitivity)


def _sensitivity(arguments: argparse.Namespace) -> None:
    if (arguments.model is None) == (arguments.study is None):
        raise SpecError("tune sensitivity takes a model, or --study ID; got both or neither")
    model, data, noise = _asked(arguments)
    from irs_core.models import load_model
    from irs_core.tune.images import images_apart

    loaded, images = load_model(model), images_apart(data, arguments.images)
    found = measured(
        loaded,
        images,
        [parse_treatment(one) for one in arguments.treatments],
        noise=noise,
        radius=noise.sigma if arguments.radius is None else arguments.radius,
        draws=arguments.draws,
        weights=model.weights,
        groups=arguments.groups,
        times=arguments.times,
    )
    save(arguments.store, found)
    if arguments.json:
        print_json("tune sensitivity", {"id": found.id, "emulated": found.emulated, **plain(found)})
    else:
        print_sensitivity(found)


def _asked(arguments: argparse.Namespace) -> tuple[ModelSpec, DataSpec, NoiseSpec]:
    if arguments.study is None:
        noise = NoiseSpec(arguments.sigma, seed=arguments.seed)
        return model_spec(arguments), data_spec(arguments), noise
    spec = Library(arguments.store).open(arguments.study).record.spec
    data = spec.data
    if arguments.root is not None:
        data = replace(data, root=settled_path(arguments.root))
    return spec.model, data, NoiseSpec(spec.noise.sigma, seed=arguments.seed)


def plain(found: Sensitivity) -> dict[str, Any]:
    """A record for `--json`, without its pictures."""
    return {
        name: one for name, one in found.to_json().items() if name not in ("pictures", "schema")
    }


def print_sensitivity(found: Sensitivity) -> None:
    """Effects, the most sensitive first, treatment by treatment."""
    print(
        f"{found.weights}, sigma {found.sigma:g}: {len(found.indices)} images ({found.images}), "
        f"{found.draws} draws each; {found.certified} right and certified at {found.radius:g}"
    )
    print(
        f"all intervals hold together with {100 * found.confidence:g}% on these images; "
        f"{found.seconds:.0f} s, {found.passes:.1f} times the network's own passes, "
        f"{found.kept_bytes / 1e6:.0f} MB of activations at once"
    )
    if found.emulated:
        print(found.emulated)
    if any(one.saved_seconds is not None for one in found.effects):
        print("us: what its kernels take more or less of one image alone, all layers treated alike")
    for groups in (False, True):
        for treatment in found.treatments:
            for one in found.ranked(treatment, groups=groups):
                low, high = text(one.low, 4, "down"), text(one.high, 4, "up")
                print(
                    f"{treatment:<20} {one.name:<32} {one.left / found.total:.4f} ({low}..{high})"
                    f"  lost {one.lost}, gained {one.gained}  -{one.saved_bytes:,} bytes"
                    f"{_faster(one)}"
                )
    print(f"kept as {found.id}")


def _faster(one: Effect) -> str:
    if one.saved_seconds is None:
        return ""
    change = round(-1e6 * one.saved_seconds)
    return f"  {change:+d} us" if change else "  0 us"
