"""What the sliders of a study would ask for next, made while nobody waits for a page."""

import itertools
import logging
import os
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from threading import Condition, Thread

import streamlit as st

from irs_core.analysis.analysis import Analysis
from irs_core.errors import IrsError
from irs_core.spec.settings import Settings
from irs_core.store import Study
from ui.shared import analyses, levels, library, turns

# Nothing is made beforehand where it is 0.
AHEAD = "IRS_LOOK_AHEAD"
# Larger studies would hold memory, and the processor for long, for what may never be asked for.
_LARGEST = 10_000

_log = logging.getLogger(__name__)
_number = itertools.count()

Make = Callable[[Analysis], object]


@dataclass(frozen=True)
class Unit:
    """What a page would need under other settings.

    Args:
        beside: The settings in view.
        what: Distinguishes what `make` makes from all else that is made of the study.
        make: Makes it from an analysis of those settings, so that the page finds it.
    """

    study: Study
    settings: Settings
    beside: Settings
    what: Hashable
    make: Make

    @property
    def rows(self) -> Hashable:
        """The study and the settings, of which rows and curves are made for every page."""
        return library.study_key(self.study), self.settings

    @property
    def key(self) -> Hashable:
        """What it makes."""
        return self.rows, self.what


class Ahead:
    """What is still to be made beside the latest view; what was asked for before is dropped."""

    def __init__(self) -> None:
        """Nothing."""
        self._units: deque[Unit] = deque()
        # The oldest first.
        self._made: dict[Hashable, None] = {}
        self._more = Condition()

    def look_from(self, study: Study, settings: Settings, what: Hashable, make: Make) -> None:
        """Ask for everything that one move of a slider could ask for."""
        if not study.record.compressed or _size(study) > _LARGEST:
            return
        found = [Unit(study, one, settings, what, make) for one in neighbours(study, settings)]
        with self._more:
            # All of them, for one who turned a slider ten times, would push out the last ones.
            self._units.clear()
            self._units.extend(one for one in found if one.key not in self._made)
            self._more.notify()

    def make_next(self) -> None:
        """Wait until something is asked for and make it, in steps, while no page is being made."""
        with self._more:
            self._more.wait_for(lambda: len(self._units) > 0)
            unit = self._units.popleft()
        if unit.key in self._made:
            return
        try:
            for step in self._steps(unit):
                turns.wait_for_quiet()
                _without_spinner(step)
        except Exception as error:
            # Whoever asks for it is told what is wrong with it; a fault is also for the log.
            if not isinstance(error, IrsError):
                _log.exception("what a slider could ask for next was not made")
        self._note(unit.rows)
        self._note(unit.key)

    def _steps(self, unit: Unit) -> Iterator[Callable[[], object]]:
        work = analyses.own_analysis(unit.study, unit.settings, unit.beside)
        if unit.rows not in self._made:
            rows = analyses.foresee(unit.study, work)
            yield from (partial(next, rows, None) for _ in unit.study.record.models)
            yield partial(next, rows, None)
        yield partial(unit.make, work)

    def _note(self, key: Hashable) -> None:
        self._made[key] = None
        if len(self._made) > 2 * analyses.ROWS_KEPT:
            del self._made[next(iter(self._made))]


def neighbours(study: Study, settings: Settings) -> Iterator[Settings]:
    """The settings with one slider at another place each, the nearest first."""
    spec = study.record.spec
    moved = [
        *_beside(
            settings.alpha, levels.options(spec.alpha), lambda to: replace(settings, alpha=to)
        ),
        *_beside(
            settings.alpha_zeta,
            levels.options(spec.alpha_zeta),
            lambda to: replace(settings, alpha_zeta=to),
        ),
        *_beside(
            settings.gamma, levels.gamma_options(spec.gamma), lambda to: replace(settings, gamma=to)
        ),
    ]
    for _, one in sorted(moved, key=lambda pair: pair[0]):
        yield one


def _beside(
    now: float, places: Sequence[float], moved: Callable[[float], Settings]
) -> Iterator[tuple[int, Settings]]:
    """The other places of a slider, by how far they are."""
    at = bisect_left(places, now)
    for place, value in enumerate(places):
        if value != now:
            yield abs(place - at), moved(value)


def look_from(study: Study, settings: Settings, what: Hashable, make: Make) -> None:
    """Make what the sliders of a page could ask for next, unless IRS_LOOK_AHEAD is 0.

    Args:
        what: The page, and what it shows beside the study and the settings.
        make: What the page makes from an analysis; called in a thread of its own, where nothing
            may draw.
    """
    if os.environ.get(AHEAD) != "0":
        _started().look_from(study, settings, what, make)


def _without_spinner(step: Callable[[], object]) -> None:
    """Run what pages run with one: within what is cached without, Streamlit draws none."""
    _cached(next(_number), step)


@st.cache_resource(max_entries=1, show_spinner=False)
def _cached(number: int, _step: Callable[[], object]) -> None:
    del number  # So that no step counts as done before.
    _step()


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
