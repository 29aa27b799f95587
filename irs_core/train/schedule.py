"""How the learning rate goes up and down."""

import math

_WARM_UP = 0.2


def learning_rate(step: int, steps: int, peak: float) -> float:
    """One-cycle schedule (Smith & Topin 2018): up for a fifth of the steps, then down, by cosines.

    It starts at a 25th of `peak` and ends at 0.
    """
    rising = _WARM_UP * steps
    if step < rising:
        return peak * (1 + 24 * (1 - math.cos(math.pi * step / rising)) / 2) / 25
    return peak * (1 + math.cos(math.pi * (step - rising) / (steps - rising))) / 2
