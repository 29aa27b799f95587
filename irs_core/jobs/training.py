"""What a job that trains does: its steps, their progress, and where the outcome goes."""

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from irs_core.errors import CancelledError
from irs_core.run.options import Progress
from irs_core.server_files import keep_trained, uploads_folder
from irs_core.store.about import About, write_about
from irs_core.train.denoiser_spec import DenoiserSpec
from irs_core.train.spec import OnImages
from irs_core.train.task import Step, Training
from irs_core.train.words import of_classifier, of_denoiser

logger = logging.getLogger(__name__)


def work_folder(root: Path, training: Training) -> Path:
    """Where a training keeps what it has so far, until its outcome becomes an upload."""
    return root / "training" / training.id


def run_training(
    training: Training,
    root: Path,
    *,
    owner: str = "",
    on_progress: Callable[[Progress], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
    owned: Callable[[], bool] = lambda: True,
) -> Path:
    """Run what is missing of a training; the file that came of it.

    The state is saved after each epoch, so a cancelled or killed run goes on from there and ends
    with the same weights as one in one go.

    Args:
        root: The store, of which the outcome becomes an upload with `keep`.
        owner: To whom that upload belongs.
        should_stop, owned: As in `irs_core.run.study.run_study`.

    Raises:
        CancelledError: `should_stop` or `owned` said so.
        IrsError: The images, the model or the disk refuse.
    """
    folder = work_folder(root, training)
    steps = training.in_folder(folder)
    follow = _Follow(steps, on_progress, should_stop, owned)
    for number, step in enumerate(steps):
        # The card is written last. Only in a folder of its own is what lies there this run's.
        if not (training.keep and Path(step.out).with_suffix(".json").exists()):
            _run(step, follow.step(number), anew=training.keep)
    out = Path(steps[-1].out)
    if not training.keep:
        return out
    follow.check()
    files = [(one.name, one.read_bytes()) for one in (out, out.with_suffix(".json"))]
    upload = keep_trained(root, files)
    if upload.fresh:
        write_about(root, "uploads", upload.path.parent.name, About(owner=owner))
    shutil.rmtree(folder, ignore_errors=True)
    return upload.path


def outcome(root: Path, result: str) -> Path | None:
    """The file that a job made, as long as it is there.

    Args:
        result: What the job noted.
    """
    path = Path(result)
    # Paths are stored in full; a store that was moved still finds its own by their end.
    own = uploads_folder(root) / path.parent.name / path.name
    return next((one for one in (path, own) if result and one.is_file()), None)


def _run(step: Step, on_images: OnImages, *, anew: bool) -> None:
    """Run a step.

    Args:
        anew: Whether it begins again where images or weights changed since its state was saved.
    """
    # Only what trains waits for torch.
    from irs_core.train.progress import OtherRunError, progress_path

    try:
        _run_once(step, on_images)
    except OtherRunError:
        if not anew:
            raise
        progress_path(Path(step.out)).unlink()
        _run_once(step, on_images)


def _run_once(step: Step, on_images: OnImages) -> None:
    if isinstance(step, DenoiserSpec):
        from irs_core.train.denoise import train_denoiser

        said = of_denoiser(train_denoiser(step, on_images=on_images))
    else:
        from irs_core.train.loop import train

        said = of_classifier(train(step, on_images=on_images), step.sigma)
    # Into the job's log.
    logger.info("%s: %s", Path(step.out).name, said)


class _Follow:
    """Tells how far the steps are, and ends them where the job is no longer this process's."""

    def __init__(
        self,
        steps: tuple[Step, ...],
        on_progress: Callable[[Progress], None],
        should_stop: Callable[[], bool],
        owned: Callable[[], bool],
    ) -> None:
        self._steps, self._on_progress = steps, on_progress
        self._should_stop, self._owned = should_stop, owned

    def check(self) -> None:
        """Raise where another process has the job, or nobody wants it."""
        if self._should_stop() or not self._owned():
            raise CancelledError("the training was stopped; it goes on from its last whole epoch")

    def step(self, number: int) -> OnImages:
        """What follows one step. All steps pass over the same images."""
        step, epochs = self._steps[number], [one.epochs for one in self._steps]
        began, first = perf_counter(), -1

        def told(done: int, total: int) -> None:
            nonlocal first
            per_epoch = total // step.epochs
            if first < 0:
                first = done
            seconds = perf_counter() - began
            epoch = -(-done // per_epoch)
            rate = (done - first) / seconds if seconds > 0 else 0.0
            self._on_progress(
                Progress(
                    f"{_what(step, number, len(epochs))}, epoch {epoch} of {step.epochs}",
                    per_epoch * sum(epochs[:number]) + done,
                    per_epoch * sum(epochs),
                    # A later step has another pace, which nobody knows before it begins.
                    rate if number == len(epochs) - 1 else 0.0,
                )
            )
            if done % per_epoch == 0:
                # The state is about to be saved.
                self.check()

        return told


def _what(step: Step, number: int, count: int) -> str:
    what = "denoiser" if isinstance(step, DenoiserSpec) else "classifier"
    return what if count == 1 else f"{what}, step {number + 1} of {count}"
