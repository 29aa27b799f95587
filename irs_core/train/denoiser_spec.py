"""How a denoiser is trained, and what came of it."""

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from irs_core.errors import SpecError
from irs_core.spec.data_kinds import DATA_KINDS, DataKind
from irs_core.spec.noise import check_sigma
from irs_core.spec.study import ChannelOrder, DataSpec
from irs_core.train.spec import UPRIGHT, Device, check_other_file, without_order


def data_kind(images: str) -> DataKind | None:
    """The kind of data set that `KIND` or `KIND:ROOT` names; None for a folder of images."""
    name = images.partition(":")[0]
    return next((kind for kind in DATA_KINDS if kind == name), None)


def images_text(data: DataSpec) -> str:
    """`KIND` or `KIND:ROOT` of a data set, by which a run names its training images."""
    return data.kind if data.root is None else f"{data.kind}:{data.root}"


@dataclass(frozen=True)
class DenoiserSpec:
    """One training run of a denoiser; with the number of threads it determines the weights.

    Args:
        images: Folder of images, at any depth; their labels are unknown and not needed. `KIND:ROOT`
            (or `digits`) for the training images of a data set, whose labels are not looked at.
        out: File to write, `NAME.safetensors`; the card goes to `NAME.json` beside it.
        sigma: Standard deviations of the noise, pixel units; each image gets one of them.
        against: A classifier (a weights file or `shipped:NAME`) whose own answers to the clean
            images the denoised ones shall get (the stability objective of Salman et al. 2020);
            None for the mean squared error.
        arch: Architecture of that classifier, where its file does not name it.
        mean, std: Its normalisation, where its file does not give it.
        start: A denoiser to go on from (a file or `shipped:NAME`); None for random weights. It
            decides the size then.
        epochs: Passes over the images.
        lr: Peak learning rate (Adam) of the one-cycle schedule.
        width, levels: Size, as in `DenoiserShape`.
        max_images: At most so many images, from all over them; None for all.
        size, channels: What images are made to; None keeps them.
        flip: Mirror images at random; None decides by the data, as in `TrainSpec`.
        bf16: Forward passes in bfloat16 where autocast allows.
        device: `cpu` or `cuda`.
        note: A sentence for the card.
    """

    images: str
    out: str
    sigma: tuple[float, ...]
    against: str | None = None
    arch: str | None = None
    start: str | None = None
    epochs: int = 5
    seed: int = 0
    batch: int = 128
    lr: float = 1e-3
    width: int = 32
    levels: int = 3
    max_images: int | None = None
    size: int | None = None
    channels: int | None = None
    flip: bool | None = None
    bf16: bool = False
    device: Device = "cpu"
    note: str = ""
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    channel_order: ChannelOrder = "rgb"

    def __post_init__(self) -> None:
        if not self.sigma:
            raise SpecError("a denoiser is trained for at least one sigma; got none")
        for sigma in self.sigma:
            check_sigma(sigma)
        if self.epochs < 1 or self.batch < 1:
            raise SpecError(f"need epochs >= 1 and batch >= 1; got {self.epochs}, {self.batch}")
        if not 0 < self.lr < math.inf:
            raise SpecError(f"lr must be positive and finite; got {self.lr}")
        if not 0 <= self.seed < 2**63:
            raise SpecError(f"seed must be in [0, 2^63); got {self.seed}")
        if self.max_images is not None and self.max_images < 2:
            raise SpecError(f"max_images must be at least 2; got {self.max_images}")
        told = (self.mean, self.std, self.channel_order)
        if self.against is None and told != (None, None, "rgb"):
            raise SpecError(
                "mean, std and channel_order belong to the classifier of against; got none"
            )
        if Path(self.out).suffix != ".safetensors":
            raise SpecError(f"out must end in .safetensors; got {self.out!r}")

    def check_files(self) -> None:
        """Refuse to write over a file that the run reads.

        Raises:
            SpecError: They are one file.
        """
        check_other_file(self.out, start=self.start, against=self.against)

    @property
    def flips(self) -> bool:
        """Whether images are mirrored at random."""
        return data_kind(self.images) not in UPRIGHT if self.flip is None else self.flip

    def data_spec(self, split: str) -> DataSpec | None:
        """The whole split of that name of the data set; None where images are just a folder."""
        kind, root = data_kind(self.images), self.images.partition(":")[2]
        if kind is None:
            return None
        return DataSpec(kind, root or None, split=split, size=self.size, channels=self.channels)

    def to_dict(self) -> dict[str, Any]:
        """Every field, JSON-serialisable."""
        return without_order({**asdict(self), "sigma": list(self.sigma)})


@dataclass(frozen=True)
class DenoiserReport:
    """Progress after an epoch.

    Args:
        epoch: 1 to `epochs`.
        loss: Mean loss over the epoch: squared error per pixel value, or cross-entropy.
        agreement: Share of denoised training images that the classifier answers as their clean
            originals; None where there is no classifier.
        seconds: Wall-clock time of the epoch.
    """

    epoch: int
    epochs: int
    loss: float
    agreement: float | None
    seconds: float
    images_per_second: float


@dataclass(frozen=True)
class DenoiserMeasure:
    """How good a denoiser is on images that its run did not train on.

    Args:
        sigma: Noise, pixel units.
        noisy, denoised: Peak signal-to-noise ratio in dB, before and after.
        agree_noisy, agree_denoised: Share of noisy images, before and after, that the classifier
            answers as the clean ones; None where there is no classifier.
    """

    sigma: float
    noisy: float
    denoised: float
    agree_noisy: float | None = None
    agree_denoised: float | None = None


@dataclass(frozen=True)
class DenoiserResult:
    """A finished run.

    Args:
        weights, card: The two files written.
        measured: One entry per sigma.
        held_out: Images measured on, which this run did not train on; the run of a denoiser that
            it started from may have.
    """

    weights: Path
    card: Path
    parameters: int
    measured: tuple[DenoiserMeasure, ...]
    held_out: int
    epochs: tuple[DenoiserReport, ...]
