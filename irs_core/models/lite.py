"""LiteRT (TFLite) files as classifiers, where the package ai-edge-litert is installed.

The runtime's own reader was not made for hostile files, so a file is read only where a person named
it: see `RunOptions.programs`.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from torch import Tensor, nn

from irs_core.errors import ApproximationError, CheckpointError, first_line, reason
from irs_core.models.normalize import Numbers

SUFFIX = ".tflite"


@dataclass(frozen=True)
class LiteFacts:
    """What a file says about its network.

    Args:
        input_shape: (channels, height, width).
        batch: Images per run as the file was written; most files take others too.
        last: Whether channels come last in the file, as TensorFlow has them.
        quantised: Whether images or scores are 8-bit integers.
    """

    input_shape: tuple[int, int, int]
    num_classes: int
    batch: int
    last: bool
    quantised: bool


class LiteModule(nn.Module):
    """A LiteRT file in the place of a PyTorch network; only its predictor runs it.

    Args:
        mean, std: Normalisation before it, after the noise; None for none.
    """

    def __init__(
        self, content: bytes, name: str, facts: LiteFacts, mean: Numbers = None, std: Numbers = None
    ) -> None:
        super().__init__()
        self.content, self.name, self.facts = content, name, facts
        self.mean, self.std = mean, std
        self.digest = hashlib.sha256(content).hexdigest()

    def forward(self, images: Tensor) -> NoReturn:
        """Refuse: there are no PyTorch layers.

        Raises:
            CheckpointError: Always.
        """
        raise CheckpointError(f"{self.name} is run by LiteRT, not as a PyTorch module")


def load_lite(
    path: Path, *, programs: bool, mean: Numbers = None, std: Numbers = None
) -> LiteModule:
    """Read a LiteRT file.

    Args:
        programs: Whether files that only native readers understand may be read here.

    Raises:
        CheckpointError: They may not, or it is no image classifier.
        ApproximationError: The runtime is missing.
    """
    if not programs:
        raise CheckpointError(
            f"{path.name} is a LiteRT (TFLite) file, which is read only where somebody names it on "
            "the command line or in a notebook: name it there, or convert it to ONNX (tf2onnx)"
        )
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {reason(error)}") from None
    return LiteModule(content, path.name, _facts(content, path.name), mean, std)


def interpreter(content: bytes, name: str, threads: int = 1) -> Any:
    """The runtime's interpreter of a file.

    Raises:
        ApproximationError: The runtime is missing.
        CheckpointError: It cannot read the file.
    """
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise ApproximationError(
            f"{name} needs the package ai-edge-litert: pip install ai-edge-litert ({error})"
        ) from None
    try:
        return Interpreter(model_content=content, num_threads=threads)
    except (ValueError, RuntimeError) as error:
        raise CheckpointError(f"LiteRT cannot read {name}: {first_line(error, 160)}") from None


def _facts(content: bytes, name: str) -> LiteFacts:
    found = interpreter(content, name)
    given, scores = found.get_input_details(), found.get_output_details()
    shapes = [tuple(int(size) for size in one["shape"]) for one in (*given, *scores)]
    if (len(given), len(scores)) != (1, 1) or len(shapes[0]) != 4 or len(shapes[1]) != 2:
        raise CheckpointError(
            f"{name} must have one input of 4 dimensions and one output (N, classes); its shapes "
            f"are {shapes}"
        )
    types = {one["dtype"].__name__ for one in (*given, *scores)}
    if not types <= {"float32", "int8", "uint8"}:
        raise CheckpointError(f"{name} takes or gives {', '.join(types)}; float32 and 8 bits do")
    batch, first, second, third = shapes[0]
    # Images have at most four channels, and TensorFlow has them last.
    last = first > 4 or third <= 4
    shape = (third, first, second) if last else (first, second, third)
    return LiteFacts(shape, shapes[1][1], max(1, batch), last, types != {"float32"})
