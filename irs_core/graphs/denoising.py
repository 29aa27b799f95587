"""What a denoiser is as a file, without the packages that read it."""

from dataclasses import dataclass

from irs_core.graphs.outputs import Dim

# Begins the names of everything in a joined file that belongs to the denoiser.
DENOISER_NAMES = "denoiser/"
# Begin the names of its layers, in PyTorch and in a joined file.
DENOISER_STARTS = ("denoiser.", DENOISER_NAMES)


@dataclass(frozen=True, eq=False)
class DenoiserGraph:
    """A network from noisy images to images, as ONNX.

    Args:
        name: File name, for people.
        graph: With all weights in it.
        shape: (batch, channels, height, width); None where the file leaves one open.
        digest: SHA-256 (hexadecimal) of the file, further files included.
        parameters: Numbers among its constants.
    """

    name: str
    graph: bytes
    shape: tuple[Dim, ...]
    digest: str
    parameters: int
