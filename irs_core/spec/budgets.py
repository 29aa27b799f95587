"""Draws per input as people write them: numbers, or percent of n."""

from collections.abc import Sequence

from irs_core.errors import SpecError


def parse_budgets(values: Sequence[int | str], n: int) -> tuple[int, ...]:
    """Draw budgets from whole numbers and percentages of n, sorted.

    Args:
        values: `100`, `"100"` or `"10%"`.
        n: Estimation draws per input of the original.

    Raises:
        SpecError: One is neither.
    """
    return tuple(sorted({_budget(one, n) for one in values}))


def _budget(value: int | str, n: int) -> int:
    text = str(value)
    try:
        return round(float(text[:-1]) * n / 100) if text.endswith("%") else int(text)
    except (ValueError, OverflowError):
        raise SpecError(f"n_p must be a whole number or a percentage of n; got {value!r}") from None
