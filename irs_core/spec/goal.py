"""Goals for the draws of compressed models, as people write them."""

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from irs_core.errors import SpecError

_BUDGET = re.compile(r"(\d+)|(\d+(?:\.\d+)?)%|(\d+(?:\.\d+)?)s", re.ASCII)
_MOST_DIGITS = 18


@dataclass(frozen=True)
class Goal:
    """A goal for CIRS; exactly one field is set, to a positive number.

    Args:
        draws: At most this many draws in total on each compressed classifier.
        share: At most this many draws per input on average, as a share of n.
        seconds: At most about so much time on each.
        acr: An average certified radius to reach, pixel units.
        loss: Radius that an input may lose against certifying from scratch with n draws.
    """

    draws: int | None = None
    share: float | None = None
    seconds: float | None = None
    acr: float | None = None
    loss: float | None = None

    def __post_init__(self) -> None:
        given = {name: value for name, value in asdict(self).items() if value is not None}
        if len(given) != 1:
            raise SpecError(f"a goal is one thing to reach; got {', '.join(given) or 'none'}")
        ((name, value),) = given.items()
        if not 0 < value < math.inf:
            what = {"acr": "reach_acr", "loss": "max_loss"}.get(name, "budget")
            raise SpecError(f"{what} must be positive and finite; got {value}")

    @property
    def written(self) -> Mapping[str, str | float]:
        """The one key and its value that say it in a study file, by the names of the options."""
        if self.acr is not None:
            return {"reach_acr": self.acr}
        if self.loss is not None:
            return {"max_loss": self.loss}
        if self.share is not None:
            return {"budget": f"{_decimal(100 * self.share)}%"}
        if self.seconds is not None:
            return {"budget": f"{_decimal(self.seconds)}s"}
        return {"budget": str(self.draws)}


def read_goal(
    *, budget: str | None = None, reach_acr: float | None = None, max_loss: float | None = None
) -> Goal | None:
    """The goal that options, or the keys of a study file, describe; None for none.

    Args:
        budget: `20000` draws in total, `2%` of n per input, or `60s`.

    Raises:
        SpecError: There are several, or one is out of range.
    """
    given = {"budget": budget, "reach_acr": reach_acr, "max_loss": max_loss}
    named = [name for name, value in given.items() if value is not None]
    if len(named) > 1:
        raise SpecError(f"goal takes one of {', '.join(given)}; got {' and '.join(named)}")
    if reach_acr is not None:
        return Goal(acr=reach_acr)
    if max_loss is not None:
        return Goal(loss=max_loss)
    return None if budget is None else _budget(budget)


def _budget(text: str) -> Goal:
    found = _BUDGET.fullmatch(text) if len(text) <= _MOST_DIGITS else None
    if found is None:
        raise SpecError(
            "a budget must be a number of draws, a percentage of n or seconds, as in 20000, 2% or "
            f"60s; got {text!r:.80}"
        )
    draws, share, seconds = found.groups()
    if share is not None:
        return Goal(share=float(share) / 100)
    return Goal(draws=int(draws)) if draws is not None else Goal(seconds=float(seconds))


def _decimal(value: float) -> str:
    """A number without an exponent, of 12 digits: 7.000000000000001 is meant as 7."""
    return f"{float(f'{value:.12g}'):.12f}".rstrip("0").rstrip(".")
