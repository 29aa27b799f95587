"""Options that choose a model, its compressions and a subset of a data set."""

import argparse

from irs_core.cli.options import add_channel_order
from irs_core.data import with_model_classes
from irs_core.spec.data_kinds import DATA_KINDS
from irs_core.spec.study import DataSpec, ModelSpec

# Images of a dry run.
MAX_IMAGES = 100


def add_model_options(parser: argparse.ArgumentParser, *, positional: bool = False) -> None:
    """Options that choose the original; its file as an argument of its own, or as --model."""
    text = (
        "a file (safetensors, .pth, .onnx, .xml, TorchScript), shipped:NAME, package.module:make "
        "(a function of your own code), or http://HOST:PORT/v2/models/NAME"
    )
    if positional:
        parser.add_argument("model", help=text)
    else:
        parser.add_argument("--model", default="shipped:digits-0.50", help=text)
    parser.add_argument("--arch", help="architecture, where the file does not name it")
    parser.add_argument(
        "--classes",
        metavar="N|FILE",
        help="number of classes, where the model's file does not tell; or a file that lists the "
        "model's classes in their order, by which class folders are numbered (default: the "
        "list beside the model, or the names in an ONNX or OpenVINO file)",
    )
    parser.add_argument(
        "--output", metavar="NAME", help="output that holds the scores, of a graph with several"
    )
    parser.add_argument(
        "--denoise",
        metavar="FILE",
        help="denoiser in front of the model, and certified with it: a file of the command "
        "denoiser train, an ONNX file from images to images, or shipped:NAME",
    )
    for name in ("mean", "std"):
        parser.add_argument(
            f"--{name}",
            type=float,
            nargs="+",
            metavar="X",
            help=f"{name} per channel of a normalisation inside the model, after the noise",
        )
    add_channel_order(
        parser,
        "order in which the model takes colours: bgr after training on images of OpenCV or "
        "Caffe; --mean and --std stay red, green, blue",
    )


def model_spec(arguments: argparse.Namespace) -> ModelSpec:
    """The original that the options describe."""
    return ModelSpec(
        arguments.model,
        arch=arguments.arch,
        num_classes=_count(arguments.classes),
        mean=arguments.mean and tuple(arguments.mean),
        std=arguments.std and tuple(arguments.std),
        output=arguments.output,
        denoiser=arguments.denoise,
        channel_order=arguments.channel_order,
    )


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """Options that choose a subset of a data set."""
    parser.add_argument("--data", choices=DATA_KINDS, default="digits", help="kind of data set")
    parser.add_argument("--root", help="folder of the data; not used by digits")
    parser.add_argument("--split", default="test", help="split or sub-folder")
    parser.add_argument("--start", type=int, default=0, help="first input")
    parser.add_argument("--skip", type=int, default=1, help="take every N-th input")
    parser.add_argument("--max", type=int, help="at most N inputs")
    parser.add_argument(
        "--holdout", type=int, default=0, help="further inputs for choosing gamma, never reported"
    )
    parser.add_argument("--size", type=int, help="resize images to this height and width")
    parser.add_argument(
        "--channels", type=int, help="1 makes colours grey, 3 repeats grey (default: as the files)"
    )


def _count(classes: str | None) -> int | None:
    return int(classes) if classes is not None and classes.isdecimal() else None


def data_spec(arguments: argparse.Namespace) -> DataSpec:
    """The subset that the options describe; classes are numbered as the model's files say."""
    classes: str | None = getattr(arguments, "classes", None)
    data = DataSpec(
        kind=arguments.data,
        root=arguments.root,
        split=arguments.split,
        start=arguments.start,
        stride=arguments.skip,
        max=arguments.max,
        holdout=arguments.holdout,
        size=arguments.size,
        channels=arguments.channels,
        class_list=None if _count(classes) is not None else classes,
    )
    # `integer` and `intrs` take several models or none.
    weights = getattr(arguments, "model", None)
    return with_model_classes(data, weights) if isinstance(weights, str) else data
