"""What the engine says in its log, whatever other packages do to the root logger."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


class Heard(logging.Handler):
    """Warnings, in the order in which they came."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.words: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.words.append(record.getMessage())

    @property
    def text(self) -> str:
        return "\n".join(self.words)


@contextmanager
def listening() -> Iterator[Heard]:
    """Listen to all loggers of the engine."""
    heard = Heard()
    logging.getLogger("irs_core").addHandler(heard)
    try:
        yield heard
    finally:
        logging.getLogger("irs_core").removeHandler(heard)
