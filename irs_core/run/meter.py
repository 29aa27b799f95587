"""How far a run is and how fast, from what it computed last. Free of torch."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from time import perf_counter

from irs_core.run.options import Part, Progress
from irs_core.run.plan import Need, Unit
from irs_core.spec.study import Stream

# A rate is that of what ran last: enough to be steady, little enough to follow a busy machine.
RECENT = 16
_Key = tuple[str, Stream]


class _Rate:
    """Predictions a second over what was counted last."""

    def __init__(self) -> None:
        self._counted = deque[tuple[int, float]](maxlen=RECENT)

    def add(self, draws: int, seconds: float) -> None:
        self._counted.append((draws, seconds))

    def value(self) -> float:
        seconds = sum(spent for _, spent in self._counted)
        return sum(draws for draws, _ in self._counted) / seconds if seconds > 0 else 0.0


class Meter:
    """Counts the units of a run as they are computed."""

    def __init__(self, clock: Callable[[], float] = perf_counter) -> None:
        """Nothing is planned yet.

        Args:
            clock: Seconds since any moment.
        """
        self._clock = clock
        self._parts: dict[_Key, Part] = {}
        self._later: dict[_Key, Part] = {}
        self._rates: dict[_Key, _Rate] = {}
        self._rate = _Rate()
        self._expected: dict[str, float] = {}
        self._spent: dict[str, tuple[int, float]] = {}
        self._done = 0
        self._left = 0
        self._last = clock()

    def plan(self, needs: Sequence[Need], units: Iterable[Unit], later: Sequence[Part]) -> None:
        """Take up what is needed now, of which `units` are missing, and what follows."""
        missing = _summed(units)
        for need in needs:
            needed = need.predictions
            key = (need.name, need.stream)
            if needed:
                done = max(0, needed - missing.get(key, 0))
                self._parts[key] = Part(need.name, need.stream, done, needed)
                self._rates.setdefault(key, _Rate())
        self._later = {(part.name, part.stream): part for part in later}
        self._left = sum(missing.values()) + sum(part.needed for part in later)

    def expect(self, name: str, rate: float) -> None:
        """A classifier's predictions a second, to go by before any of its units is counted."""
        self._expected[name] = rate

    @property
    def spent(self) -> dict[str, tuple[int, float]]:
        """Draws and their seconds by classifier, of all units counted; shared ones by draws."""
        return dict(self._spent)

    def start(self) -> None:
        """Units are computed from this moment on."""
        self._last = self._clock()

    def count(self, together: Sequence[Unit]) -> None:
        """Units were computed together; they took the time since the ones before."""
        moment = self._clock()
        spent, self._last = moment - self._last, moment
        found = _summed(together)
        total = sum(found.values())
        for key, draws in found.items():
            part = self._parts[key]
            self._parts[key] = replace(part, done=min(part.needed, part.done + draws))
            self._rates[key].add(draws, spent)
            before = self._spent.get(key[0], (0, 0.0))
            share = spent * draws / max(1, total)
            self._spent[key[0]] = (before[0] + draws, before[1] + share)
        self._rate.add(total, spent)
        self._done += total
        self._left -= total

    def progress(self, stage: str) -> Progress:
        """Where the run is."""
        parts = [replace(part, rate=self._rates[key].value()) for key, part in self._parts.items()]
        parts += self._later.values()
        rate = self._rate.value()
        left = _left(parts, rate) if rate > 0 else _left_by(parts, self._expected)
        return Progress(stage, self._done, self._done + self._left, rate, left, tuple(parts))


def _summed(units: Iterable[Unit]) -> dict[_Key, int]:
    """Predictions that units compute, per classifier and stream."""
    found: dict[_Key, int] = {}
    for unit in units:
        for need, draws in zip(unit.needs, unit.draws_by_need, strict=True):
            key = need.name, unit.stream
            found[key] = found.get(key, 0) + draws
    return found


def _left_by(parts: Sequence[Part], rates: Mapping[str, float]) -> float | None:
    """Seconds left by rates of classifiers that were timed alone; None where none was.

    One that was not timed is taken for the slowest that was.
    """
    if not rates:
        return None
    slowest = min(rates.values())
    return sum((part.needed - part.done) / rates.get(part.name, slowest) for part in parts)


def _left(parts: Sequence[Part], rate: float) -> float | None:
    """Seconds left: streams run one after the other, classifiers of one stream together.

    Where a classifier was not measured on a stream yet, it is taken to cost what the run costs.
    """
    if rate <= 0:
        return None
    seconds = 0.0
    for stream in dict.fromkeys(part.stream for part in parts):
        own = [part for part in parts if part.stream == stream]
        known = [part.seconds_left for part in own if part.seconds_left is not None]
        unknown = sum(part.needed - part.done for part in own if part.seconds_left is None)
        seconds += max(known, default=0.0) + unknown / rate
    return seconds
