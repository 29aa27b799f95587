"""Compressed models that are no files: code that a person names, a model behind a server."""

import re
from dataclasses import dataclass

from irs_core.errors import SpecError

# Before the name of a model that comes with the package.
SHIPPED_PREFIX = "shipped:"
CALL_PREFIX, SERVER_PREFIXES = "call", ("http", "https")
_DIGEST = re.compile(r"[0-9a-f]{16}")
_ADDRESS = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)
_URL = re.compile(
    r"https?://([\w.-]+|\[[0-9a-fA-F:]+\])(:\d{1,5})?(/[\w.-]+)*/v2/models/[\w.-]+"
    r"(/versions/[\w.-]+)?",
    re.ASCII,
)
_LONGEST = 300


@dataclass(frozen=True)
class CodeModel:
    """A compressed model that a function of somebody's own code makes.

    The text names it; only a command or a notebook in which a person named it can run it.

    Args:
        address: `package.module:make`.
        digest: 16 hexadecimal digits that stand for what it answers.
    """

    address: str
    digest: str

    def __post_init__(self) -> None:
        check_address(self.address)
        _check_digest(self.digest)

    def __str__(self) -> str:
        return f"{CALL_PREFIX}:{self.address}#{self.digest}"

    @property
    def title(self) -> str:
        """A short name for people."""
        return self.address


@dataclass(frozen=True)
class ServedModel:
    """A compressed model that a server runs (Open Inference Protocol, version 2).

    Args:
        url: `http://host:port/v2/models/NAME`.
        digest: 16 hexadecimal digits of the server's description of it.
    """

    url: str
    digest: str

    def __post_init__(self) -> None:
        check_url(self.url)
        _check_digest(self.digest)

    def __str__(self) -> str:
        return f"{self.url}#{self.digest}"

    @property
    def title(self) -> str:
        """A short name for people."""
        host, _, name = self.url.partition("://")[2].partition("/v2/models/")
        return f"{name} at {host}"


def is_address(text: str) -> bool:
    """Whether a text has the form `package.module:make`."""
    return bool(_ADDRESS.fullmatch(text)) and len(text) <= _LONGEST


def check_address(text: str) -> str:
    """The text, if it has the form `package.module:make`.

    Raises:
        SpecError: It has not.
    """
    if not is_address(text):
        raise SpecError(f"code is named as package.module:make; got {text!r:.80}")
    return text


def is_url(text: str) -> bool:
    """Whether a text names something on a server."""
    return text.partition(":")[0] in SERVER_PREFIXES


def check_url(text: str) -> str:
    """The text, if it is the address of a model behind a server.

    Raises:
        SpecError: It is not; passwords belong in no address, since studies keep it.
    """
    if not _URL.fullmatch(text) or len(text) > _LONGEST:
        raise SpecError(
            "a model behind a server is named as http://HOST:PORT/v2/models/NAME, without a "
            f"password and with nothing after it; got {text!r:.120}"
        )
    return text


def _check_digest(digest: str) -> None:
    if not _DIGEST.fullmatch(digest):
        raise SpecError(f"a digest has 16 hexadecimal digits; got {digest!r:.40}")
