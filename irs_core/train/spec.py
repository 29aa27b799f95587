"""What to train, and what came of it."""

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from irs_core.errors import SpecError
from irs_core.spec.data_kinds import DataKind
from irs_core.spec.noise import check_sigma
from irs_core.spec.paths import settled
from irs_core.spec.study import ChannelOrder, DataSpec

Device = Literal["cpu", "cuda"]
# Called with the images that a run has passed, those of earlier epochs included, and how many it
# passes in all; after each step, so also right before the state is saved. What it raises ends the
# run, which goes on from the last saved state when it is started again.
OnImages = Callable[[int, int], None]
# Images that mean something else in a mirror.
UPRIGHT: tuple[DataKind, ...] = ("digits", "mnist")
# In place of an architecture's name where the network is of somebody's own class.
OWN_CLASS = "object"


@dataclass(frozen=True)
class TrainSpec:
    """One training run; with the number of threads it determines the weights.

    Args:
        arch: Architecture name.
        out: File to write, `NAME.safetensors`; the card goes to `NAME.json` beside it.
        data, root, size, channels: The data set, as in `DataSpec`; its `train` split is trained
            on.
        sigma: Standard deviation of the noise on every training image, pixel units; 0 for none.
        epochs: Passes over the training split.
        seed: Determines initial weights, order, augmentation and noise.
        batch: Images per step.
        lr: Peak learning rate of the one-cycle schedule.
        momentum: Nesterov momentum.
        weight_decay: L2 penalty on every parameter.
        max_images: Train on at most so many images, from all over the split; None for all.
        flip: Mirror images at random; None decides by the data (never digits, of either set).
        bf16: Forward passes in bfloat16 where autocast allows.
        compile: Compile the network; needs a C++ compiler.
        device: `cpu` or `cuda`.
        qat_from: Weights of that architecture (a file, or `shipped:NAME`) to fine-tune as an
            integer network; `out` then holds integers. None trains from random weights.
        start: Weights to fine-tune as they are: a file, `shipped:NAME`, or what `adopt_call` named.
            The architecture is theirs. None trains from random weights.
        mean, std: Normalisation of `start`, where its file does not give it.
        channel_order: In which `start` takes colours; what is written takes red, green, blue.
        classes: File that lists the classes of `start` in their order, by which labels are
            numbered; None numbers them as the data set does.
        note: A sentence for the card, e.g. how the settings were chosen.
    """

    arch: str
    out: str
    data: DataKind = "digits"
    root: str | None = None
    size: int | None = None
    sigma: float = 0.5
    epochs: int = 60
    seed: int = 0
    batch: int = 128
    lr: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    max_images: int | None = None
    flip: bool | None = None
    bf16: bool = False
    compile: bool = False
    device: Device = "cpu"
    note: str = ""
    qat_from: str | None = None
    start: str | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    classes: str | None = None
    channels: int | None = None
    channel_order: ChannelOrder = "rgb"

    def __post_init__(self) -> None:
        check_sigma(self.sigma, zero=True)
        if self.epochs < 1 or self.batch < 2:
            raise SpecError(f"need epochs >= 1 and batch >= 2; got {self.epochs}, {self.batch}")
        if not 0 < self.lr < float("inf"):
            raise SpecError(f"lr must be positive and finite; got {self.lr}")
        if not 0 <= self.momentum < 1 or self.weight_decay < 0:
            raise SpecError(
                "need 0 <= momentum < 1 and weight_decay >= 0; "
                f"got {self.momentum}, {self.weight_decay}"
            )
        if not 0 <= self.seed < 2**63:
            raise SpecError(f"seed must be in [0, 2^63); got {self.seed}")
        if self.max_images is not None and self.max_images < 2:
            raise SpecError(f"max_images must be at least 2; got {self.max_images}")
        if self.qat_from is not None and (self.bf16 or self.compile):
            raise SpecError(
                "rounding needs exact 32-bit floats; give qat_from without bf16 and compile"
            )
        if self.qat_from is not None and self.start is not None:
            raise SpecError(
                "weights are fine-tuned as they are or as integers; got start and qat_from"
            )
        if self.start is None and (self.mean, self.std, self.channel_order) != (None, None, "rgb"):
            raise SpecError(
                "mean, std and channel_order belong to weights that training starts from; got none"
            )
        if self.start is None and self.classes is not None:
            raise SpecError("classes are those of weights that training starts from; got none")
        if Path(self.out).suffix != ".safetensors":
            raise SpecError(f"out must end in .safetensors; got {self.out!r}")

    def check_files(self) -> None:
        """Refuse to write over a file that the run reads.

        Raises:
            SpecError: They are one file.
        """
        check_other_file(self.out, start=self.start, qat_from=self.qat_from)

    @property
    def flips(self) -> bool:
        """Whether images are mirrored at random."""
        return self.data not in UPRIGHT if self.flip is None else self.flip

    def data_spec(self, split: str) -> DataSpec:
        """The whole split of that name."""
        return DataSpec(
            kind=self.data,
            root=self.root,
            split=split,
            size=self.size,
            channels=self.channels,
            class_list=self.classes,
        )

    def to_dict(self) -> dict[str, Any]:
        """Every field, JSON-serialisable."""
        return without_order(asdict(self))


def without_order(fields: dict[str, Any]) -> dict[str, Any]:
    """A choice that came later: runs that were begun without it go on, under the same id."""
    return {name: one for name, one in fields.items() if (name, one) != ("channel_order", "rgb")}


def check_other_file(out: str, **read: str | None) -> None:
    """Refuse to write over a file that a run reads, however either is spelled.

    Raises:
        SpecError: They are one file.
    """
    for name, path in read.items():
        if path is not None and os.path.realpath(settled(path)) == os.path.realpath(settled(out)):
            raise SpecError(f"out must be another file than {name}; got {out!r} for both")


@dataclass(frozen=True)
class EpochReport:
    """Progress after an epoch.

    Args:
        epoch: 1 to `epochs`.
        loss: Mean cross-entropy over the epoch.
        accuracy: Share of noisy training images predicted right during the epoch.
        seconds: Wall-clock time of the epoch.
    """

    epoch: int
    epochs: int
    loss: float
    accuracy: float
    seconds: float
    images_per_second: float


@dataclass(frozen=True)
class Accuracy:
    """Accuracy on images of the test split.

    Args:
        clean: Without noise.
        noisy: Under one draw of noise per image, averaged over several.
        images: How many there were.
    """

    clean: float
    noisy: float
    images: int


@dataclass(frozen=True)
class TrainResult:
    """A finished run.

    Args:
        weights, card: The two files written.
        accuracy: On the test split; None where it was not measured.
    """

    weights: Path
    card: Path
    accuracy: Accuracy | None
    epochs: tuple[EpochReport, ...]
