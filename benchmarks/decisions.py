"""Decisions about simulated studies whose truth is known, plotted into docs/methods/decisions.svg.

PYTHONPATH=. .venv/bin/python benchmarks/decisions.py

Two classes, no network: each input has probabilities that are set, its draws are drawn, and the
engine certifies and decides as it does for a study.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from irs_core.analysis.colours import MARK, NEUTRAL, PALETTE
from irs_core.certify import certify_rs_hits
from irs_core.decide import (
    BaseCounts,
    CompressedCounts,
    Levels,
    Requirement,
    Routes,
    decide,
    dominated,
    find_routes,
)
from irs_core.hardware import describe_hardware
from irs_core.metrics import counted_radii
from irs_core.stats import binomial_lower_bound, binomial_upper_bound, largest_certifiable_radius

SIGMA, N0, N = 0.5, 100, 10_000
ASKED = Requirement(0.5, 0.05, max_loss=0.01, confidence=0.99)
LEVEL = 0.002
HIGH, LOW = (float(ndtr(one / SIGMA)) for one in (ASKED.radius, ASKED.reach))
BESIDE = 1e-9
DRAWS, INPUTS = (100, 200, 300, 500, 700, 1000, 2000), (250, 500, 1000, 2000, 4000)
MANY, SOME, FEW = 10_000, 300, 200
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Truth:
    """Probabilities of inputs: that f answers y, that f^p leaves it, that it arrives; (inputs,)."""

    p: Floats
    leave: Floats
    arrive: Floats


Population = Callable[[np.random.Generator, int], Truth]


def around(share: float, lost: tuple[float, float], kept: tuple[float, float]) -> Population:
    """A share of the inputs is lost, all others are alike; pairs are (P(f = y), P(f^p = y))."""

    def draw(rng: np.random.Generator, size: int) -> Truth:
        which = rng.random(size) < share
        p, q = np.where(which, lost[0], kept[0]), np.where(which, lost[1], kept[1])
        return Truth(p, np.maximum(p - q, 0), np.maximum(q - p, 0))

    return draw


def spread(share: float) -> Population:
    """Inputs as of a real network, of which a share is lost; on the others both are equally good.

    A third is wrong or undecided, the radii of the others are even from 0 to 1.5; the models
    differ on 0.4% of draws each way. What is lost falls from 0.6 to 0.35.
    """

    def draw(rng: np.random.Generator, size: int) -> Truth:
        p = ndtr(np.where(rng.random(size) < 1 / 3, -1.0, rng.uniform(0, 1.5, size)) / SIGMA)
        which = rng.random(size) < share
        high, low = float(ndtr(0.6 / SIGMA)), float(ndtr(0.35 / SIGMA))
        p = np.where(which, high, p)
        move = np.minimum(0.004, np.minimum(p, 1 - p))
        return Truth(p, np.where(which, high - low, move), np.where(which, 0.0, move))

    return draw


@dataclass(frozen=True)
class Draws:
    """Counts of all inputs of all studies, flat: of the original and of the compressed model."""

    right: NDArray[np.bool_]
    own_right: NDArray[np.bool_]
    hits: NDArray[np.int64]
    early: NDArray[np.int64]
    paired: NDArray[np.int64]
    leavers: NDArray[np.int64]
    fresh: NDArray[np.int64]


def drawn(rng: np.random.Generator, truth: Truth, n_p: int) -> Draws:
    """All draws of these inputs; counts are of the label y."""
    q = np.clip(truth.p - truth.leave + truth.arrive, 0, 1)
    stay = np.clip(truth.p - truth.leave, 0, 1)
    parts = np.stack([stay, truth.leave, truth.arrive, 1 - stay - truth.leave - truth.arrive], 1)
    parts = np.maximum(parts, 0)
    both, left, arrived, _ = rng.multinomial(n_p, parts / parts.sum(1, keepdims=True)).T
    return Draws(
        right=rng.binomial(N0, truth.p) > N0 / 2,
        own_right=rng.binomial(N0, q) > N0 / 2,
        hits=both + left + rng.binomial(N - n_p, truth.p),
        early=both + left,
        paired=both + arrived,
        leavers=left,
        fresh=rng.binomial(n_p, q),
    )


def flags(made: Draws, n_p: int) -> Routes:
    """Routes of every input; equal counts are looked at once."""
    key = np.zeros(len(made.hits), np.int64)
    for one in (made.right, made.own_right, made.hits, made.leavers, made.fresh):
        key = key * (int(one.max()) + 1) + one
    _, first, back = np.unique(key, return_index=True, return_inverse=True)
    right, own, hits, leavers, fresh = (
        one[first] for one in (made.right, made.own_right, made.hits, made.leavers, made.fresh)
    )
    # The label is class 0.
    candidate, own_candidate = 1 - right.astype(np.int64), 1 - own.astype(np.int64)
    counted = np.where(right, hits, N - hits)
    base = certify_rs_hits(candidate, counted, n0=N0, n=N, alpha=0.001, sigma=SIGMA)
    counted = np.where(own, fresh, n_p - fresh)
    model = certify_rs_hits(own_candidate, counted, n0=N0, n=n_p, alpha=LEVEL, sigma=SIGMA)
    found = find_routes(
        BaseCounts(np.zeros_like(hits), candidate, hits, N, base.predicted, base.radius),
        CompressedCounts(
            candidate=own_candidate,
            predicted=model.predicted,
            radius=model.radius,
            # Leavers are those from the candidate; where that is wrong, route 3 is closed anyway.
            leavers=leavers,
            leave_draws=n_p,
            label_hits=fresh,
            label_draws=n_p,
        ),
        radius=ASKED.radius,
        tolerance=ASKED.tolerance,
        sigma=SIGMA,
        levels=Levels(claimed=LEVEL),
    )
    return each(found, back)


def each(routes: Routes, places: NDArray[np.int64] | slice) -> Routes:
    """The routes of some inputs."""
    values = {one.name: getattr(routes, one.name) for one in fields(routes)}
    arrays = {name: one[places] for name, one in values.items() if isinstance(one, np.ndarray)}
    return replace(routes, **arrays)


def verdicts(
    population: Population, *, inputs: int, n_p: int, studies: int, seed: int
) -> dict[str, int]:
    """How often each verdict was given."""
    rng = np.random.default_rng(seed)
    made = drawn(rng, population(rng, inputs * studies), n_p)
    routes, said, known = flags(made, n_p), {"holds": 0, "fails": 0, "undecided": 0}, {}
    for study in range(studies):
        own = each(routes, slice(study * inputs, (study + 1) * inputs))
        # A verdict about the loss depends on these two counts alone.
        key = int(own.may_lose.sum()), int(own.proven_lost.sum())
        if key not in known:
            known[key] = decide(ASKED, "m", own).verdict
        said[known[key]] += 1
    return said


def called_worse(*, inputs: int, n_p: int, studies: int, seed: int) -> tuple[int, int]:
    """In how many studies of equal models one is called worse: at equal draws, and at all draws."""
    rng = np.random.default_rng(seed)
    made = drawn(rng, spread(0.0)(rng, inputs * studies), n_p)
    labels = np.zeros(inputs * studies, np.int64)

    def radii(hits: NDArray[np.int64], n: int, alpha: float) -> Floats:
        counted = np.where(made.right, hits, n - hits)
        candidate = 1 - made.right.astype(np.int64)
        found = certify_rs_hits(candidate, counted, n0=N0, n=n, alpha=alpha, sigma=SIGMA)
        return counted_radii(found, labels).reshape(studies, inputs)

    most = float(largest_certifiable_radius(N, 0.001, SIGMA)) * (1 + 1e-9)
    full, equal, model = (
        radii(made.hits, N, 0.001),
        radii(made.early, n_p, LEVEL),
        radii(made.paired, n_p, LEVEL),
    )

    def worse(first: Floats, second: Floats) -> bool:
        return any(dominated({"a": first, "b": second}, {"a": 1, "b": 1}, most=most).values())

    fair = sum(worse(*pair) for pair in zip(equal, model, strict=True))
    unfair = sum(worse(*pair) for pair in zip(full, model, strict=True))
    return fair, unfair


@dataclass(frozen=True)
class Rate:
    """How often something wrong was said, and at which level it may be."""

    name: str
    wrong: int
    studies: int
    level: float

    @property
    def ends(self) -> tuple[float, float]:
        """Exact 95% interval of the rate."""
        tail = 0.025
        return (
            float(binomial_lower_bound(self.wrong, self.studies, tail)),
            float(binomial_upper_bound(self.wrong, self.studies, tail)),
        )


def wrong_verdicts() -> list[Rate]:
    """Where a verdict is most likely to be wrong, how often it is."""
    beta, rates = ASKED.beta, []
    # As hard to see as a loss can be: f just withstands r, f^p just falls short of r - delta.
    barely = around(0.01 + BESIDE, (HIGH + BESIDE, LOW - BESIDE), (1.0, 1.0))
    # Exactly as much is lost as is allowed, all of it plain to see; the others nearly look lost.
    allowed = around(0.01, (1.0, 0.6), (1.0, LOW + BESIDE))
    for inputs in (500, 1000):
        told = f"{inputs:,} inputs"
        said = verdicts(barely, inputs=inputs, n_p=1000, studies=MANY, seed=inputs)
        rates.append(Rate(f"holds, just over 1% is lost, {told}", said["holds"], MANY, beta))
        said = verdicts(allowed, inputs=inputs, n_p=1000, studies=MANY, seed=inputs + 1)
        rates.append(Rate(f"fails, just 1% is lost, {told}", said["fails"], MANY, beta))
    said = verdicts(spread(0.0), inputs=500, n_p=1000, studies=MANY // 5, seed=3)
    rates.append(Rate("fails, models are equal, 500 inputs", said["fails"], MANY // 5, beta))
    return rates


def undecided() -> dict[str, dict[str, list[tuple[int, float]]]]:
    """Share of undecided studies against effort, for each truth."""
    truths = {
        "equal models": spread(0.0),
        "0.25% lost": spread(0.0025),
        "4% lost": spread(0.04),
    }
    found: dict[str, dict[str, list[tuple[int, float]]]] = {"draws": {}, "inputs": {}}
    for name, population in truths.items():

        def share(inputs: int, n_p: int, studies: int, of: Population = population) -> float:
            said = verdicts(of, inputs=inputs, n_p=n_p, studies=studies, seed=inputs + n_p)
            return said["undecided"] / studies

        found["draws"][name] = [(n_p, share(1000, n_p, SOME)) for n_p in DRAWS]
        found["inputs"][name] = [(inputs, share(inputs, 1000, FEW)) for inputs in INPUTS]
    return found


def main() -> None:
    """Simulate, print the tables, draw the picture."""
    rates, effort = wrong_verdicts(), undecided()
    fair, unfair = called_worse(inputs=500, n_p=1000, studies=1000, seed=11)
    rates.append(Rate("called worse, models are equal, equal draws", fair, 1000, 0.05))
    print(f"{describe_hardware()}\n\n| said wrongly | studies | rate | 95% interval | allowed |")
    print("|---|---|---|---|---|")
    for one in rates:
        low, high = (100 * end for end in one.ends)
        rate = 100 * one.wrong / one.studies
        print(
            f"| {one.name} | {one.studies:,} | {rate:.2f}% | {low:.2f} to {high:.2f}% | "
            f"{100 * one.level:g}% |"
        )
    print(
        f"\nAgainst all draws of the original, equal models are called worse in {unfair} of 1000."
    )
    for what, lines in effort.items():
        print(f"\n| {what} | {' | '.join(lines)} |\n|---|{'---|' * len(lines)}")
        for at in range(len(next(iter(lines.values())))):
            cells = [f"{100 * line[at][1]:.0f}%" for line in lines.values()]
            print(f"| {next(iter(lines.values()))[at][0]:,} | {' | '.join(cells)} |")
    target = Path(__file__).resolve().parents[1] / "docs/methods/decisions.svg"
    target.write_text(picture(rates, effort))


WIDTH, HEIGHT, LEFT, MIDDLE = 860, 560, 60, 300


def picture(rates: list[Rate], effort: dict[str, dict[str, list[tuple[int, float]]]]) -> str:
    """Wrong verdicts above, undecided ones below."""
    titles = {
        "draws": ("draws of the compressed model per input (1,000 inputs)", 0),
        "inputs": ("inputs (1,000 draws each)", WIDTH // 2),
    }
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
            'font-family="sans-serif" font-size="13"><rect width="100%" height="100%" '
            'fill="white"/>',
            *_wrong(rates),
            *(
                part
                for what, (title, at) in titles.items()
                for part in _effort(effort[what], title, at)
            ),
            "</svg>\n",
        ]
    )


def _wrong(rates: list[Rate]) -> list[str]:
    left, right, top = 320, WIDTH - 30, 34

    def across(share: float) -> float:
        return left + share / 1.25 * (right - left)

    bottom = top + 30 * len(rates)
    parts = [
        '<text x="10" y="18" font-weight="bold">Wrong verdicts, as a share of what is allowed '
        "(exact 95% intervals)</text>"
    ]
    for share in (0, 0.25, 0.5, 0.75, 1, 1.25):
        look = f'stroke="{MARK}" stroke-width="2"' if share == 1 else 'stroke="#ddd"'
        parts.append(
            f'<line x1="{across(share):.0f}" x2="{across(share):.0f}" y1="{top}" y2="{bottom}" '
            f'{look}/><text x="{across(share):.0f}" y="{bottom + 16}" text-anchor="middle">'
            f"{share:g}</text>"
        )
    for row, one in enumerate(rates):
        y = top + 15 + 30 * row
        low, high = (min(1.25, end / one.level) for end in one.ends)
        at = across(one.wrong / one.studies / one.level)
        parts.append(
            f'<text x="{left - 12}" y="{y + 4}" text-anchor="end">{one.name}</text>'
            f'<line x1="{across(low):.1f}" x2="{across(high):.1f}" y1="{y}" y2="{y}" '
            f'stroke="{PALETTE[0]}" stroke-width="2"/>'
            f'<circle cx="{at:.1f}" cy="{y}" r="4.5" fill="{PALETTE[0]}"/>'
        )
    return parts


def _effort(lines: dict[str, list[tuple[int, float]]], title: str, at: int) -> list[str]:
    left, right, bottom = at + LEFT, at + WIDTH // 2 - 20, HEIGHT - 60
    places = [one for one, _ in next(iter(lines.values()))]
    low, high = np.log(places[0]), np.log(places[-1])

    def across(value: float) -> float:
        return float(left + (np.log(value) - low) / (high - low) * (right - left))

    def up(share: float) -> float:
        return bottom - share * (bottom - MIDDLE)

    parts = [
        f'<text x="{at + 10}" y="{MIDDLE - 30}" font-weight="bold">Undecided studies (%)</text>'
        f'<text x="{(left + right) / 2:.0f}" y="{bottom + 36}" text-anchor="middle">{title}</text>'
    ]
    for share in (0, 0.25, 0.5, 0.75, 1):
        parts.append(
            f'<line x1="{left}" x2="{right}" y1="{up(share):.0f}" y2="{up(share):.0f}" '
            f'stroke="#ddd"/><text x="{left - 8}" y="{up(share) + 4:.0f}" text-anchor="end">'
            f"{100 * share:.0f}</text>"
        )
    for place in places:
        parts.append(
            f'<text x="{across(place):.0f}" y="{bottom + 18}" text-anchor="middle">{place:,}</text>'
        )
    for index, (name, line) in enumerate(lines.items()):
        colour, dash = (NEUTRAL, *PALETTE[1:])[index], ("", "6 3", "2 3")[index]
        points = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in line)
        parts.append(
            f'<polyline fill="none" stroke="{colour}" stroke-width="2.5" points="{points}" '
            f'stroke-dasharray="{dash}"/><text x="{left + 130 * index}" y="{MIDDLE - 10}" '
            f'fill="{colour}">{name}</text>'
        )
    return parts


if __name__ == "__main__":
    main()
