"""Training in the background: the option of the commands that train, and what it does."""

import argparse
from collections.abc import Sequence

from irs_core.actions import Acting
from irs_core.actions.training import start_training
from irs_core.cli.named import is_own_code, is_program
from irs_core.cli.options import path
from irs_core.cli.printing import print_json
from irs_core.errors import SpecError
from irs_core.jobs import ensure_worker
from irs_core.spec.outside import CALL_PREFIX
from irs_core.store import default_root
from irs_core.train.denoiser_spec import DenoiserSpec
from irs_core.train.task import Step, Training


def add_queue_options(parser: argparse.ArgumentParser) -> None:
    """Declare `--queue` and the store whose workers take the job."""
    parser.add_argument(
        "--queue", action="store_true", help="train in the background, see the command jobs"
    )
    parser.add_argument(
        "--store", type=path, default=default_root(), help="folder of the live store, for --queue"
    )


def queue_training(step: Step, arguments: argparse.Namespace, command: str) -> None:
    """Queue a training and say so.

    Args:
        arguments: Those of `add_queue_options`, and `json`.
        command: What was typed, for its JSON.

    Raises:
        SpecError: A model of the step is code or a program, which only run in the command that
            names them.
    """
    step.check_files()
    check_waits([step.against] if isinstance(step, DenoiserSpec) else [step.start, step.qat_from])
    job = start_training(Acting(arguments.store), Training((step,)).from_anywhere())
    ensure_worker(arguments.store)
    if arguments.json:
        print_json(command, {"job": job.id, "training": job.study})
    else:
        print(f"job {job.id}: {Training((step,)).title}; ./irs jobs shows it")


def check_waits(models: Sequence[str | None]) -> None:
    """Refuse to queue code and programs.

    Raises:
        SpecError: A model is one.
    """
    for name in filter(None, models):
        plain = name.partition("#")[0]
        if name.startswith(f"{CALL_PREFIX}:") or is_own_code(name) or is_program(plain):
            raise SpecError(
                f"{plain} is code, which trains only in the command that names it, never in the "
                "background: leave out --queue"
            )
