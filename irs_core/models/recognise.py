"""What a file is that holds no weights as this package reads them, and the way out.

Told by content; nothing of the file is unpickled or run.
"""

import zipfile
from pathlib import Path

from irs_core.errors import CheckpointError
from irs_core.sandbox.opening import opened

_HEAD = 16
EXPORT = (
    "export the network to ONNX (torch.onnx.export), or name a function that builds it, as in "
    "call:package.module:make (docs/how-to/own-torch-class.md)"
)
# What begins a file: at which byte, what stands there, what it is, the way out.
_HEADS: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"\x89HDF", "an HDF5 file, as Keras writes them", "export the network to ONNX (tf2onnx)"),
    (4, b"TFL3", "a LiteRT (TFLite) model", "let its name end with .tflite"),
    (0, b"GGUF", "a GGUF file", "export the classifier to ONNX"),
    (0, b"\x93NUMPY", "a NumPy array", "save a state dict with torch.save or safetensors"),
)  # fmt: skip
# A member of a zip archive by the end of its name.
_MEMBERS: tuple[tuple[str, str, str], ...] = (
    ("/models/model.json", "a torch.export program, which PyTorch unpickles", EXPORT),
    ("serialized_exported_program.json", "a torch.export program, which PyTorch unpickles", EXPORT),
    ("/data/aotinductor", "a package of compiled code (AOTInductor)", EXPORT),
    (".data/extern_modules", "a torch.package, which holds Python code", EXPORT),
    ("config.json", "a Keras archive", "export the network to ONNX (tf2onnx)"),
    (".npy", "a NumPy archive", "save a state dict with torch.save or safetensors"),
)


def is_torchscript(path: Path) -> bool:
    """Whether a file is a TorchScript archive."""
    names = _members(path)
    return any(name.endswith("/constants.pkl") for name in names) and any(
        "/code/" in name for name in names
    )


def refuse_other_kinds(path: Path) -> None:
    """Refuse what is certainly no weights file, by its name.

    Raises:
        CheckpointError: It is a program or a file of another framework.
    """
    for what, way_out in _found(path):
        raise CheckpointError(f"{path.name} is {what}: {way_out}")


def _found(path: Path) -> list[tuple[str, str]]:
    with opened(path) as file:
        head = file.read(_HEAD)
    found = [(what, out) for at, text, what, out in _HEADS if head[at : at + len(text)] == text]
    names = _members(path)
    found += [
        (what, out)
        for end, what, out in _MEMBERS
        if any(f"/{name}".endswith(end) for name in names)
    ]
    return found


def _members(path: Path) -> list[str]:
    try:
        with opened(path) as file:
            if not zipfile.is_zipfile(file):
                return []
            with zipfile.ZipFile(file) as archive:
                return archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return []
