"""What the sliders of a study would ask for next, made while nobody waits for a page."""

import contextlib
import os
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from threading import Condition, Thread

from irs_core.errors import IrsError
from irs_core.spec.settings import Settings
from irs_core.store import Study
from ui.shared import levels, library, turns

# Nothing is made beforehand where it is 0.
AHEAD = "IRS_LOOK_AHEAD"
# Larger studies would hold memory, and the processor for long, for what may never be asked for.
_LARGEST = 10_000
_KEPT = 256


class Ahead:
    """What is still to be made; the newest is made first, and what is too old never."""

    def __init__(self) -> None:
        """Nothing."""
        self._units: deque[tuple[Study, Settings]] = deque(maxlen=_KEPT)
        # The oldest first.
        self._made: dict[tuple[library.StudyKey, Settings], None] = {}
        self._more = Condition()

    def look_from(self, study: Study, settings: Settings) -> None:
        """Ask for everything that one move of a slider of the confidence levels could ask for."""
        if not study.record.compressed or _size(study) > _LARGEST:
            return
        key = library.study_key(study)
        found = [one for one in neighbours(study, settings) if (key, one) not in self._made]
        with self._more:
            # The nearest are taken first.
            self._units.extend((study, one) for one in reversed(found))
            self._more.notify()

    def make_next(self) -> None:
        """Wait until something is asked for and make it, in steps, while no page is being made."""
        with self._more:
            self._more.wait_for(lambda: len(self._units) > 0)
            study, settings = self._units.pop()
        key = library.study_key(study), settings
        if key in self._made:
            return
        self._made[key] = None
        if len(self._made) > library.ROWS_KEPT:
            del self._made[next(iter(self._made))]
        turns.wait_for_quiet()
        # Whoever asks for it is told what is wrong with it.
        with contextlib.suppress(IrsError):
            for _ in library.foresee(study, settings):
                turns.wait_for_quiet()


def neighbours(study: Study, settings: Settings) -> Iterator[Settings]:
    """The settings with another confidence level each, the nearest first."""
    spec = study.record.spec
    others = [
        (abs(place - own.index(now)), name, value)
        for name, now, own in (
            ("alpha", settings.alpha, levels.options(spec.alpha)),
            ("alpha_zeta", settings.alpha_zeta, levels.options(spec.alpha_zeta)),
        )
        if now in own
        for place, value in enumerate(own)
        if value != now
    ]
    for _, name, value in sorted(others):
        yield replace(settings, **{name: value})


def look_from(study: Study, settings: Settings) -> None:
    """Make what the sliders of a page could ask for next, unless IRS_LOOK_AHEAD is 0."""
    if os.environ.get(AHEAD) != "0":
        _started().look_from(study, settings)


@cache
def _started() -> Ahead:
    ahead = Ahead()

    def work() -> None:
        while True:
            ahead.make_next()

    Thread(target=work, name="foresight", daemon=True).start()
    return ahead


def _size(study: Study) -> int:
    return sum(study.record.data.reported) * len(study.record.compressed)
