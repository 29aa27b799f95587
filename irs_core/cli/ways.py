"""The command `ways`: as it is, denoised or fine-tuned, compared before hours are spent."""

import argparse

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
from irs_core.train.commands import about


def add_ways(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `ways` to the commands."""
    parser = commands.add_parser(
        "ways",
        help="compare by a pilot: a model as it is, behind a denoiser, fine-tuned under noise",
        description="For a model that was never trained under noise. Each way is tried on some "
        "images after a short training, and what the whole training would take is predicted. A "
        "denoiser named by --denoise is tried as it is. Nothing is stored and nothing certified.",
    )
    add_model_options(parser, positional=True)
    add_data_options(parser)
    parser.add_argument("--sigma", type=float, default=0.5, help="noise, pixel units, > 0")
    parser.add_argument(
        "--radii", type=float, nargs="+", help="radii of the prediction (default: sigma / 2, sigma)"
    )
    parser.add_argument("--n", type=int, default=10_000, help="draws of the certificates predicted")
    parser.add_argument("--images", type=int, default=2000, help="training images of each pilot")
    parser.add_argument("--draws", type=int, default=50, help="noisy copies per test image")
    parser.add_argument("--width", type=int, default=32, help="size of the pilot's denoiser")
    parser.add_argument(
        "--levels", type=int, help="times that it halves the sides (default: what fits, at most 3)"
    )
    add_json_option(parser)
    parser.set_defaults(run=_ways, max=MAX_IMAGES)


def _ways(arguments: argparse.Namespace) -> None:
    # Other commands should not wait for torch.
    from irs_core.cli.check import spread
    from irs_core.ways import Pilot, compare_ways

    data = data_spec(arguments)
    model, _ = read_models(model_spec(arguments), (), data)
    radii = tuple(arguments.radii or (arguments.sigma / 2, arguments.sigma))
    pilot = Pilot(
        arguments.sigma,
        radii,
        n=arguments.n,
        images=arguments.images,
        draws=arguments.draws,
    )
    whole, most = spread(data)
    found = compare_ways(
        model, whole, pilot, most=most, width=arguments.width, levels=arguments.levels
    )
    if arguments.json:
        print_json("ways", {"radii": radii, "ways": [one.to_json() for one in found]})
        return
    heads = ("clean", "noisy", "by vote", *(f"r={one:g}" for one in radii), "per s")
    print(f"{'way':<11} {' '.join(f'{one:>8}' for one in heads)}  whole training")
    for way in found:
        if way.refused:
            print(f"{way.name:<11} not tried: {way.refused}")
            continue
        shares = (way.clean, way.noisy, way.voted, *way.certified)
        cells = [*(f"{one:>8.1%}" for one in shares), f"{way.rate:>8,.0f}"]
        left = about(way.seconds) if way.seconds else "none"
        print(f"{way.name:<11} {' '.join(cells)}  {left}")
    for way in found:
        if way.trained:
            print(f"{way.name}: as trained on {way.trained}; the whole training should give more")
        for command in way.commands:
            print(f"    {command}")
    print(
        f"r: share of images right and certified above r, predicted from {pilot.draws} copies for "
        f"n = {pilot.n}, alpha = {pilot.alpha:g}; behind a denoiser, what is certified is both "
        "together, and accuracy and rate are those of both\n"
        "what is chosen by these images is to be decided on others: a verdict about new inputs "
        "holds for a function that was chosen without them"
    )
