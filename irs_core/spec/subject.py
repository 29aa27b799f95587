"""What a study is about: a classifier, and images."""

import math
from dataclasses import dataclass, replace
from typing import Literal

from irs_core.errors import SpecError
from irs_core.spec.data_kinds import DATA_KINDS, KINDS, DataKind
from irs_core.spec.fields import TOO_LARGE, check_fields, check_items

MAX_CLASSES = 65_535
ChannelOrder = Literal["rgb", "bgr"]
CHANNEL_ORDERS: tuple[ChannelOrder, ...] = ("rgb", "bgr")


@dataclass(frozen=True)
class ModelSpec:
    """A base classifier f: an architecture and where its weights are, and what stands before it.

    Args:
        weights: A file (safetensors, a PyTorch checkpoint, ONNX or OpenVINO IR), or
            `shipped:NAME` for one that comes with the package.
        arch: Architecture name. None reads it from the file, which then must name one; an ONNX
            file or an IR is its own architecture.
        num_classes: Classes, at least 2. None takes it from the weights.
        mean, std: Per-channel normalisation inside the model, after the noise; for red, green
            and blue, whatever the order. None takes what the file or the architecture says.
        output: Name of the output that holds the scores, of a graph file that has several.
        denoiser: A file (safetensors of the command `denoiser train`, or ONNX), or `shipped:NAME`,
            that takes noise out of images before the classifier. f is then both: what is certified
            is the denoiser followed by the classifier, and neither part alone. None for none.
        channel_order: In which the classifier takes the three colours: `bgr` for one that was
            trained on images as OpenCV or Caffe give them. Images and noise are always `rgb`.
    """

    weights: str
    arch: str | None = None
    num_classes: int | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    output: str | None = None
    denoiser: str | None = None
    channel_order: ChannelOrder = "rgb"

    def __post_init__(self) -> None:
        check_fields(self, str, "weights", "channel_order")
        check_fields(self, str, "arch", "output", "denoiser", optional=True)
        check_fields(self, int, "num_classes", optional=True)
        for name in ("mean", "std"):
            values = getattr(self, name)
            check_items(name, () if values is None else values, float)
        if not self.weights:
            raise SpecError("a model needs weights: a file or shipped:NAME; got an empty text")
        if self.denoiser == "":
            raise SpecError("a denoiser is a file or shipped:NAME; got an empty text")
        if self.channel_order not in CHANNEL_ORDERS:
            raise SpecError(
                f"channel_order must be one of {', '.join(CHANNEL_ORDERS)}; got "
                f"{self.channel_order!r:.80}"
            )
        if self.num_classes is not None and not 2 <= self.num_classes <= MAX_CLASSES:
            raise SpecError(f"num_classes must be in [2, {MAX_CLASSES}]; got {self.num_classes}")
        if (self.mean is None) != (self.std is None):
            raise SpecError("mean and std go together; got only one of them")
        if self.mean is not None and not all(map(math.isfinite, self.mean)):
            raise SpecError(f"every mean must be finite; got {self.mean}")
        if self.std is not None and not all(0 < one < math.inf for one in self.std):
            raise SpecError(f"every std must be positive and finite; got {self.std}")

    @property
    def reversed(self) -> bool:
        """Whether the classifier takes blue first."""
        return self.channel_order == "bgr"


@dataclass(frozen=True)
class DataSpec:
    """A subset of a labelled test set.

    Args:
        kind: The reader, one of `DATA_KINDS`.
        root: Folder of the data, of `npz` the file; not used by `digits`.
        split: `train` or `test` (an image folder may name any sub-folder, or "" for none).
        start, stride: Take inputs start, start + stride, ... (`--skip` of the field is stride).
        max: At most this many inputs; None for all.
        holdout: So many further inputs, outside that subset, on which gamma and other values
            are tuned. They never enter a reported number.
        size: Height and width that images are resized to; None keeps them (all must be equal).
        channels: 1 or 3: colours are made grey, grey is repeated. None keeps what the files have.
        class_list: File that lists the model's classes, by which labels are numbered, or a model's
            file (ONNX, OpenVINO IR) that states them. None takes one that lies among the data,
            else the order of the names.
    """

    kind: DataKind = "digits"
    root: str | None = None
    split: str = "test"
    start: int = 0
    stride: int = 1
    max: int | None = None
    holdout: int = 0
    size: int | None = None
    channels: int | None = None
    class_list: str | None = None

    def __post_init__(self) -> None:
        check_fields(self, str, "kind", "split")
        check_fields(self, str, "root", "class_list", optional=True)
        check_fields(self, int, "start", "stride", "holdout")
        check_fields(self, int, "max", "size", "channels", optional=True)
        if self.channels not in (None, 1, 3):
            raise SpecError(f"images have 1 or 3 channels; got {self.channels}")
        if self.kind not in DATA_KINDS:
            raise SpecError(f"data kind must be one of {', '.join(DATA_KINDS)}; got {self.kind!r}")
        if KINDS[self.kind].root and not self.root:
            raise SpecError(f"data kind {self.kind} needs a root folder; got {self.root!r}")
        if self.start < 0 or self.stride < 1:
            raise SpecError(f"need start >= 0 and stride >= 1; got {self.start}, {self.stride}")
        if self.max is not None and self.max < 1:
            raise SpecError(f"max must be at least 1; got {self.max}")
        if self.holdout < 0:
            raise SpecError(f"holdout must be at least 0; got {self.holdout}")
        if self.size is not None and not 1 <= self.size <= 4096:
            raise SpecError(f"size must be in [1, 4096]; got {self.size}")
        if max(self.start, self.stride, self.holdout, self.max or 0) >= TOO_LARGE:
            raise SpecError("start, stride, holdout and max must be below 2^63; one of them is not")

    @property
    def scale(self) -> int:
        """The pixel value that means 1.0; grid steps are 1/scale."""
        return KINDS[self.kind].scale

    def whole(self, split: str) -> "DataSpec":
        """All images of a split of the same data, read in the same way."""
        return replace(self, split=split, start=0, stride=1, max=None, holdout=0)
