"""Numbers as people write them: draws per input, also in percent of n, and radii."""

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


def parse_radii(text: str) -> tuple[float, ...]:
    """Radii from a list of numbers, parted by commas, semicolons or spaces; sorted.

    Raises:
        SpecError: One is no number.
    """
    try:
        return tuple(
            sorted({float(one) for one in text.replace(",", " ").replace(";", " ").split()})
        )
    except ValueError:
        raise SpecError(f"radii must be numbers such as 0.25, 0.5; got {text!r}") from None
