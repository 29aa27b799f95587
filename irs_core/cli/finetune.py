"""The command `finetune`: a trained classifier learns to see through noise, in a few epochs."""

import argparse
from dataclasses import fields, replace

from irs_core.cli.named import is_own_code
from irs_core.cli.options import add_channel_order
from irs_core.cli.queueing import check_waits, queue_training
from irs_core.cli.train import add_run_options, run_training
from irs_core.data import with_model_classes
from irs_core.spec.data_kinds import DATA_KINDS
from irs_core.spec.outside import CALL_PREFIX
from irs_core.spec.study import ModelSpec
from irs_core.train.commands import TUNING_RATE
from irs_core.train.images import TUNING_EPOCHS, epochs_help, finetuning_epochs
from irs_core.train.spec import OWN_CLASS, TrainSpec


def add_finetune(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `finetune` to the commands."""
    parser = commands.add_parser(
        "finetune",
        help="train a classifier further under noise, from its weights",
        description="Noise-augmented fine-tuning of a classifier that was trained without noise "
        "(Cohen et al. 2019, Sec. 3.3, from its weights on). The same command goes on after an "
        "interruption.",
    )
    add = parser.add_argument
    add("model", help="weights: a file, shipped:NAME, or package.module:make (your own class)")
    add("--arch", help="architecture, where the file does not name it")
    add("--sigma", type=float, required=True, help="noise on training images, pixel units")
    add("--epochs", type=int, help=epochs_help(TUNING_EPOCHS))
    add("--data", choices=DATA_KINDS, default=TrainSpec.data, help="labelled images, split train")
    add("--root", help="folder of the data (not for digits)")
    add("--size", type=int, help="resize images to this height and width")
    add("--channels", type=int, choices=(1, 3), help="1 makes colours grey, 3 repeats grey")
    add(
        "--classes",
        metavar="FILE",
        help="lists the model's classes in their order (default: the list beside its file)",
    )
    add("--lr", type=float, default=TUNING_RATE, help="peak learning rate")
    for name in ("mean", "std"):
        add(f"--{name}", type=float, nargs="+", metavar="X", help=f"{name} per channel, inside it")
    add_channel_order(parser, "order in which the model takes colours; what is written takes rgb")
    add_run_options(parser)
    parser.set_defaults(run=_finetune)


def finetune_spec(arguments: argparse.Namespace) -> TrainSpec:
    """The run that parsed arguments describe; code that they name is run.

    Raises:
        IrsError: The model cannot be read or trained, or a setting is out of range.
    """
    # Other commands should not wait for torch.
    from irs_core.models.entry import adopt_call
    from irs_core.train.start import read_start

    model, arch, order = arguments.model, arguments.arch, arguments.channel_order
    mean, std = (values and tuple(values) for values in (arguments.mean, arguments.std))
    if is_own_code(model):
        start, arch = adopt_call(model.removeprefix(f"{CALL_PREFIX}:")), OWN_CLASS
    else:
        start = model
        arch = read_start(ModelSpec(model, arch, None, mean, std, channel_order=order)).arch
    names = {field.name for field in fields(TrainSpec)}
    names -= {"arch", "start", "qat_from", "mean", "std"}
    chosen = {name: getattr(arguments, name) for name in names}
    if arguments.epochs is None:
        del chosen["epochs"]
    spec = TrainSpec(arch=arch, start=start, mean=mean, std=std, **chosen)
    # Labels are numbered as the model numbers them, or it would learn all of them anew.
    spec = replace(spec, classes=with_model_classes(spec.data_spec("train"), model).class_list)
    # Also where they are named: images that are not there are missed before a job is queued.
    usual = finetuning_epochs(spec)
    return spec if arguments.epochs else replace(spec, epochs=usual)


def _finetune(arguments: argparse.Namespace) -> int:
    if arguments.queue:
        # Before anything of it is run.
        check_waits([arguments.model])
        queue_training(finetune_spec(arguments), arguments, "finetune")
        return 0
    return run_training(finetune_spec(arguments), as_json=arguments.json, command="finetune")
