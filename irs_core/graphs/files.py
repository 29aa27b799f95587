"""Bounded reading of files that may come from anybody."""

import hashlib
import os
import stat
from pathlib import Path

from irs_core.errors import CheckpointError, reason
from irs_core.sandbox.opening import confined, opened

# The largest message that protocol buffers, and so ONNX, can hold.
MAX_BYTES = (1 << 31) - 1


def read_bytes(path: Path, limit: int = MAX_BYTES) -> bytes:
    """The content of a regular file.

    Raises:
        CheckpointError: It is missing, empty, no regular file, or larger than the limit.
    """
    try:
        # A pipe would have to be waited for; a confined process opens none.
        if not confined() and not stat.S_ISREG(path.stat().st_mode):
            raise CheckpointError(f"{path.name!r} is no regular file")
        with opened(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size > limit:
                raise CheckpointError(
                    f"{path.name!r} may have at most {limit} bytes; it has {size}"
                )
            content = file.read()
    except OSError as error:
        raise CheckpointError(f"cannot read {str(path)!r}: {reason(error)}") from None
    if not content:
        raise CheckpointError(f"{path.name!r} is empty")
    return content


def content_digest(path: Path) -> str:
    """SHA-256 (hexadecimal) of a regular file of any size.

    Raises:
        CheckpointError: It is missing or no regular file.
    """
    try:
        if not confined() and not stat.S_ISREG(path.stat().st_mode):
            raise CheckpointError(f"{path.name!r} is no regular file")
        with opened(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    except OSError as error:
        raise CheckpointError(f"cannot read {str(path)!r}: {reason(error)}") from None
