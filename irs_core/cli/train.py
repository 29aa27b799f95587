"""The command line of training: `python -m irs_core train`."""

import argparse
from dataclasses import asdict, fields
from typing import Any

from irs_core.cli.options import add_json_option, training_bar
from irs_core.cli.printing import print_json
from irs_core.cli.queueing import add_queue_options, queue_training
from irs_core.spec.data_kinds import DATA_KINDS
from irs_core.train.spec import EpochReport, TrainResult, TrainSpec
from irs_core.train.words import of_classifier

# A network that learns to be an integer one needs smaller steps than other fine-tuning.
ROUNDING_RATE = 0.001


def add_train(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `train` to the commands."""
    parser = commands.add_parser("train", help="train a classifier under Gaussian noise")
    add_arguments(parser)
    parser.set_defaults(run=run_cli)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare every setting of a training run; the defaults are those of `TrainSpec`."""
    default = {field.name: field.default for field in fields(TrainSpec)}
    add = parser.add_argument
    add("--data", choices=DATA_KINDS, default=default["data"], help="data set to train on")
    add("--root", help="folder of the data (not for digits)")
    add("--size", type=int, help="resize images to this height and width")
    add("--channels", type=int, choices=(1, 3), help="1 makes colours grey, 3 repeats grey")
    add("--arch", required=True, help="architecture name")
    add("--sigma", type=float, default=default["sigma"], help="noise on training images")
    add("--epochs", type=int, default=default["epochs"], help="passes over the images")
    add("--lr", type=float, help="peak learning rate (default: 0.1, with --qat-from 0.001)")
    add(
        "--qat-from",
        metavar="WEIGHTS",
        help="fine-tune these weights as an integer network, and write that",
    )
    add_run_options(parser)


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Settings that training a classifier has, whatever it starts from."""
    default = {field.name: field.default for field in fields(TrainSpec)}
    add = parser.add_argument
    add("--seed", type=int, default=default["seed"], help="of weights, order and noise")
    add("--batch", type=int, default=default["batch"], help="images per step")
    add("--momentum", type=float, default=default["momentum"], help="Nesterov momentum")
    add("--weight-decay", type=float, default=default["weight_decay"], help="L2 penalty")
    add("--max-images", type=int, help="train on at most N images")
    flip = argparse.BooleanOptionalAction
    add("--flip", action=flip, help="mirror images at random (default: all but digits)")
    add("--bf16", action="store_true", help="forward passes in bfloat16")
    add("--compile", action="store_true", help="compile the network (needs a C++ compiler)")
    add("--device", choices=("cpu", "cuda"), default=default["device"], help="where to train")
    add("--note", default=default["note"], help="a sentence for the model card")
    add("--out", required=True, help="file to write, NAME.safetensors")
    add_queue_options(parser)
    add_json_option(parser)


def from_args(namespace: argparse.Namespace) -> TrainSpec:
    """The run that parsed arguments describe.

    Raises:
        SpecError: A setting is out of range.
    """
    chosen = {
        field.name: getattr(namespace, field.name)
        for field in fields(TrainSpec)
        if field.name not in ("start", "mean", "std", "channel_order", "classes")
    }
    if chosen["lr"] is None:
        chosen["lr"] = TrainSpec.lr if chosen["qat_from"] is None else ROUNDING_RATE
    return TrainSpec(**chosen)


def run_cli(namespace: argparse.Namespace) -> int:
    """Train, with a progress bar on stderr and the result on stdout; the exit status."""
    spec = from_args(namespace)
    if namespace.queue:
        queue_training(spec, namespace, "train")
        return 0
    return run_training(spec, as_json=namespace.json, command="train")


def run_training(spec: TrainSpec, *, as_json: bool, command: str) -> int:
    """Train, with a progress bar on stderr and the result on stdout; the exit status."""
    # Other commands should not wait for torch.
    from irs_core.train.loop import train

    with training_bar() as (passed, show):

        def reached(report: EpochReport) -> None:
            epoch = f"{report.epoch}/{report.epochs}"
            show({"epoch": epoch, "loss": f"{report.loss:.3f}", "acc": f"{report.accuracy:.1%}"})

        result = train(spec, on_epoch=reached, on_images=passed)
    if as_json:
        print_json(command, _as_json(spec, result))
        return 0
    print(f"{result.weights}: {of_classifier(result, spec.sigma)}")
    if spec.channel_order != "rgb":
        print(f"  it takes red, green, blue: leave out --channel-order {spec.channel_order}")
    return 0


def _as_json(spec: TrainSpec, result: TrainResult) -> dict[str, Any]:
    return {
        "weights": str(result.weights),
        "card": str(result.card),
        "accuracy_clean": None if result.accuracy is None else result.accuracy.clean,
        "accuracy_noisy": None if result.accuracy is None else result.accuracy.noisy,
        "spec": spec.to_dict(),
        "epochs": [asdict(one) for one in result.epochs],
    }
