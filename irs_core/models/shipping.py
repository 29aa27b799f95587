"""Files of networks that come with the package: `shipped:NAME`."""

from pathlib import Path
from typing import Any, Literal

from irs_core.errors import UnknownKeyError
from irs_core.models.card import read_card
from irs_core.spec.outside import SHIPPED_PREFIX

Kind = Literal["model", "denoiser"]
_FOLDER = Path(__file__).parent / "shipped"
_FOLDERS: dict[Kind, Path] = {"model": _FOLDER, "denoiser": _FOLDER / "denoisers"}


def shipped_names(kind: Kind) -> tuple[str, ...]:
    """Names of what comes with the package, for `shipped:NAME`."""
    return tuple(sorted(path.stem for path in _FOLDERS[kind].glob("*.safetensors")))


def shipped_cards(kind: Kind) -> dict[str, dict[str, Any]]:
    """What the cards say of them, by name; see `shipped_names`."""
    return {name: read_card(_FOLDERS[kind] / f"{name}.json") for name in shipped_names(kind)}


def network_path(kind: Kind, text: str) -> Path:
    """Where the file is that a text names, by its path or as `shipped:NAME`.

    Raises:
        UnknownKeyError: Nothing of that name is shipped; or it is, and the text, which is no
            file's path, leaves `shipped:` out.
    """
    known = shipped_names(kind)
    if not text.startswith(SHIPPED_PREFIX):
        path = Path(text).expanduser()
        if text in known and not path.exists():
            raise UnknownKeyError(
                f"no file {text!r}; the {kind} that comes along is {SHIPPED_PREFIX}{text}"
            )
        return path
    name = text.removeprefix(SHIPPED_PREFIX)
    if name not in known:
        raise UnknownKeyError(f"unknown shipped {kind} {name!r}; known: {', '.join(known)}")
    return _FOLDERS[kind] / f"{name}.safetensors"
