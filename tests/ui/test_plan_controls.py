"""What the sample-size planner answers."""

import pytest

from ui.explore.plan_controls import RadiusWish, WidthWish, radius_answer, width_answer


@pytest.mark.parametrize(
    ("radius", "chance"), [(0.75, "more than 99.9%"), (1.75, "less than 0.1%")]
)
def test_chances_are_not_rounded_to_certainty(radius: float, chance: str) -> None:
    text = radius_answer(RadiusWish(radius=radius, p=0.95, sigma=0.5, alpha=0.001, n=1_000_000))
    assert "if exactly 95% of them give the top class" in text
    assert f"happens with probability **{chance}**" in text


def test_widths_are_in_draws() -> None:
    assert "** draws for Wilson" in width_answer(WidthWish(error=0.01, p=0.95, alpha=0.001))
