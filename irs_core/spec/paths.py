"""Paths as people type them."""

import re
from pathlib import Path

# shipped:NAME, object:NAME#DIGEST and whatever else is no file; one letter is a drive.
_SCHEME = re.compile(r"[A-Za-z][\w+.-]+:")


def expanded(text: str | Path) -> Path:
    """The path with `~` replaced by the home folder."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        # Nobody is called so here; the message that the file is missing then shows the name.
        return Path(text)


def settled(text: str) -> str:
    """A path that means the same from every folder; texts such as shipped:NAME as they are.

    Studies are also run by workers, which were started elsewhere.
    """
    if not text or (_SCHEME.match(text) and not Path(text).exists()):
        return text
    return str(expanded(text).absolute())
