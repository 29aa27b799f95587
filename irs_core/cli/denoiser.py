"""The command `denoiser train`: a network that takes noise out of images, without labels."""

import argparse
from dataclasses import asdict, fields, replace
from pathlib import Path

from irs_core.cli.named import is_own_code
from irs_core.cli.options import add_channel_order, add_json_option, training_bar
from irs_core.cli.printing import print_json
from irs_core.cli.queueing import add_queue_options, queue_training
from irs_core.errors import SpecError
from irs_core.spec.outside import CALL_PREFIX
from irs_core.train.denoiser_spec import (
    DenoiserReport,
    DenoiserResult,
    DenoiserSpec,
    data_kind,
)
from irs_core.train.images import DENOISER_EPOCHS, denoiser_epochs, epochs_help
from irs_core.train.words import of_denoiser


def add_denoiser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `denoiser` to the commands."""
    parser = commands.add_parser(
        "denoiser",
        help="list shipped denoisers; train one for classifiers that never saw noise",
    )
    add_json_option(parser)
    parser.set_defaults(run=_listed)
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    train = actions.add_parser(
        "train",
        help="train a denoiser from images without labels",
        description="Trains a small network that takes noise out of images. First without "
        "--against (mean squared error), then --from what came of it and --against the classifier, "
        "which makes its answers steady. The same command goes on after an interruption.",
    )
    _add_arguments(train)
    train.set_defaults(run=run_denoiser)


def _listed(arguments: argparse.Namespace) -> None:
    from irs_core.models import shipped_cards

    cards = shipped_cards("denoiser")
    if arguments.json:
        print_json("denoiser", {"shipped": cards})
        return
    print("shipped denoisers (use as --denoise shipped:NAME)")
    for name, card in cards.items():
        sigma = ", ".join(f"{one:g}" for one in card["sigma"])
        print(
            f"  {name:<16} sigma {sigma:<8} {card['parameters']:>9,} parameters; "
            f"{card['objective']}"
        )


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    default = {field.name: field.default for field in fields(DenoiserSpec)}
    add = parser.add_argument
    add("images", metavar="FOLDER", help="images at any depth, no labels; or digits, KIND:ROOT")
    add("--sigma", type=float, nargs="+", required=True, help="noise levels, pixel units")
    add("--against", metavar="MODEL", help="classifier whose clean answers it shall keep")
    add("--arch", help="its architecture, where the file does not name it")
    for name in ("mean", "std"):
        add(f"--{name}", type=float, nargs="+", metavar="X", help=f"{name} per channel, inside it")
    add_channel_order(parser, "order in which that classifier takes colours")
    add("--from", dest="start", metavar="FILE", help="denoiser to go on from")
    add("--epochs", type=int, help=epochs_help(DENOISER_EPOCHS))
    add("--seed", type=int, default=default["seed"], help="of weights, order and noise")
    add("--batch", type=int, default=default["batch"], help="images per step")
    add("--lr", type=float, default=default["lr"], help="peak learning rate")
    add("--width", type=int, default=default["width"], help="channels of the first stage")
    add("--levels", type=int, default=default["levels"], help="times that the sides are halved")
    add("--max-images", type=int, help="train on at most N images")
    add("--size", type=int, help="resize images to this height and width")
    add("--channels", type=int, choices=(1, 3), help="1 makes colours grey, 3 repeats grey")
    flip = argparse.BooleanOptionalAction
    add("--flip", action=flip, help="mirror images at random (default: all but digits)")
    add("--bf16", action="store_true", help="forward passes in bfloat16")
    add("--device", choices=("cpu", "cuda"), default=default["device"], help="where to train")
    add("--note", default=default["note"], help="a sentence for the card")
    add("--out", required=True, help="file to write, NAME.safetensors")
    add_queue_options(parser)
    add_json_option(parser, again=True)


def denoiser_from_args(arguments: argparse.Namespace) -> DenoiserSpec:
    """The run that parsed arguments describe.

    Raises:
        IrsError: A setting is out of range, or there is no image to train on.
    """
    chosen = {field.name: getattr(arguments, field.name) for field in fields(DenoiserSpec)}
    several = {name: chosen[name] and tuple(chosen[name]) for name in ("sigma", "mean", "std")}
    _check_one_meaning(arguments.images)
    if arguments.epochs is None:
        del chosen["epochs"]
    spec = DenoiserSpec(**{**chosen, **several})
    # Also where they are named: images that are not there are missed before a job is queued.
    usual = denoiser_epochs(spec)
    return spec if arguments.epochs else replace(spec, epochs=usual)


def _check_one_meaning(images: str) -> None:
    """Refuse a word that is a kind of data and the name of a folder here.

    Raises:
        SpecError: It is both.
    """
    if data_kind(images) == images and Path(images).is_dir():
        raise SpecError(
            f"{images} is a kind of data and a folder here; say ./{images} for the folder, "
            f"{images}:ROOT (of digits just {images}:) for the data"
        )


def run_denoiser(arguments: argparse.Namespace) -> None:
    """Train, with a progress bar on stderr and the result on stdout."""
    spec = denoiser_from_args(arguments)
    if arguments.queue:
        queue_training(spec, arguments, "denoiser train")
        return
    # Other commands should not wait for torch.
    from irs_core.models.entry import adopt_call
    from irs_core.train.denoise import train_denoiser

    if spec.against is not None and is_own_code(spec.against):
        spec = replace(spec, against=adopt_call(spec.against.removeprefix(f"{CALL_PREFIX}:")))
    with training_bar() as (passed, show):

        def reached(report: DenoiserReport) -> None:
            shown = {"epoch": f"{report.epoch}/{spec.epochs}", "loss": f"{report.loss:.5f}"}
            if report.agreement is not None:
                shown["agree"] = f"{report.agreement:.1%}"
            show(shown)

        result = train_denoiser(spec, on_epoch=reached, on_images=passed, programs=True)
    if arguments.json:
        print_json("denoiser train", _as_json(spec, result))
        return
    print(f"{result.weights}: {of_denoiser(result)}")


def _as_json(spec: DenoiserSpec, result: DenoiserResult) -> dict[str, object]:
    return {
        "weights": str(result.weights),
        "card": str(result.card),
        "parameters": result.parameters,
        "held_out": result.held_out,
        "measured": [asdict(one) for one in result.measured],
        "epochs": [asdict(one) for one in result.epochs],
        "spec": spec.to_dict(),
    }
