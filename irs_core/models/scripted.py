"""TorchScript archives as classifiers.

An archive holds code, which PyTorch's own interpreter runs, not Python. That code can still read
and write files, so an archive runs only where a person named it: see `RunOptions.programs`.
"""

import hashlib
import io
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from irs_core.errors import CheckpointError, first_line
from irs_core.models.recognise import EXPORT


class ScriptedModule(nn.Module):
    """A TorchScript program with what tells it from others.

    Args:
        content: The archive.
        name: The file's, for messages.
    """

    def __init__(self, content: bytes, name: str) -> None:
        super().__init__()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # deprecated for writers; files live longer
                program = torch.jit.load(  # type: ignore[no-untyped-call]
                    io.BytesIO(content), map_location="cpu"
                )
        except Exception as error:  # torch.jit.load has no documented set of errors
            raise CheckpointError(
                f"{name} is a TorchScript archive that PyTorch cannot load: "
                f"{first_line(error, 160)}"
            ) from None
        self.program = program.eval()
        for parameter in program.parameters():
            parameter.requires_grad_(False)
        self.name, self.size_bytes = name, len(content)
        self.digest = hashlib.sha256(content).hexdigest()

    def forward(self, images: Tensor) -> Tensor:
        """Scores (B, K) of images (B, C, H, W)."""
        return torch.as_tensor(self.program(images))


def load_scripted(path: Path, *, programs: bool) -> ScriptedModule:
    """The program in an archive.

    Args:
        programs: Whether programs that come in files may be run here.

    Raises:
        CheckpointError: They may not, or PyTorch cannot load it.
    """
    if not programs:
        raise CheckpointError(
            f"{path.name} is a TorchScript program, which is run only where somebody names it on "
            f"the command line or in a notebook: name it there, or {EXPORT}"
        )
    return ScriptedModule(path.read_bytes(), path.name)
