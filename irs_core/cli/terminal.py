"""What the command line writes passes here, so that no text in it gives orders to who reads it.

Terminals obey control sequences, CI services lines that begin with `::` or hold `##[`. Titles,
names and messages of others are in many lines; all of them are written through these streams.
"""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, TextIO, cast

from irs_core.text import terminal


class _Guarded:
    """A stream that passes text on with controls written out; else as the one below.

    Args:
        below: What is written to.
        kept: Controls that pass, beside tabs and ends of lines.
    """

    def __init__(self, below: TextIO, kept: str = "") -> None:
        self._below, self._kept = below, kept
        self._starts = True

    def write(self, text: str) -> int:
        self._below.write(terminal(text, starts=self._starts, kept=self._kept))
        # Commands may be indented, so a line begins until something is seen of it.
        last = text.rpartition("\n")[2]
        self._starts = not last.strip() and (self._starts or "\n" in text)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._below, name)


@contextmanager
def guarded_streams() -> Iterator[None]:
    """Output and errors of a command, guarded; bars of progress return to the start of a line."""
    # None where the caller closed it, to which nothing is written.
    out = sys.stdout and cast(TextIO, _Guarded(sys.stdout))
    err = sys.stderr and cast(TextIO, _Guarded(sys.stderr, kept="\r"))
    with redirect_stdout(out), redirect_stderr(err):
        yield
