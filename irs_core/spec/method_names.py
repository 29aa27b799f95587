"""What certification methods are called."""

from pathlib import Path

# From scratch: what other methods are compared with.
BASELINE = "rs"
# Ids of older studies rest on this order; methods that are added follow by name.
_FIRST_METHODS = ("rs", "irs", "iss", "cirs")


def _method_names() -> tuple[str, ...]:
    """Certification methods, by the modules of the folder that holds one for each.

    Read from their names, so that a study can be described without loading what certifies it.
    """
    folder = Path(__file__).resolve().parents[1] / "methods"
    found = {path.stem for path in folder.glob("[a-z]*.py")}
    return (*_FIRST_METHODS, *sorted(found - set(_FIRST_METHODS)))


METHOD_NAMES: tuple[str, ...] = _method_names()
