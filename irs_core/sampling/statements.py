"""What a certificate under each kind of noise says, and in which units. Free of torch."""

from collections.abc import Callable
from dataclasses import dataclass

from irs_core.spec.study import NoiseKind


@dataclass(frozen=True)
class NoiseStatement:
    """A kind of noise in words.

    Args:
        title: Short name.
        law: Distribution and units.
        guarantee: What a certified radius means under this noise, and what is proven of it.
    """

    title: str
    law: str
    guarantee: str


def describe_noise(kind: NoiseKind, sigma: float, scale: int) -> NoiseStatement:
    """The statement for one noise.

    Args:
        sigma: Standard deviation in pixel units, images in [0, 1].
        scale: The pixel value that means 1.0, e.g. 255.
    """
    return _STATEMENTS[kind](sigma, scale)


def _gaussian(sigma: float, _: int) -> NoiseStatement:
    return NoiseStatement(
        "Gaussian, floating point",
        f"N(0, σ²) on every pixel, σ = {sigma:g} in units of [0, 1] images, 32-bit floats.",
        "The smoothed answer is the same at every real image within the L2 radius σ Φ⁻¹(p) "
        "(Cohen et al. 2019). The theorem is about exact arithmetic: rounding in noise, sums and "
        "kernels is not covered (Voracek & Hein 2023).",
    )


def _rounded(sigma: float, scale: int) -> NoiseStatement:
    return NoiseStatement(
        "Gaussian, rounded to the grid",
        f"N(0, σ²) rounded to steps of 1/{scale}: σ = {sigma:g}, which is {sigma * scale:g} grid "
        "steps; drawn and added in integers.",
        f"The smoothed answer is the same at every image on the grid of 1/{scale} within the L2 "
        "radius σ Φ⁻¹(p), in units of [0, 1] images. This is Cohen's theorem for the classifier "
        "behind rounding, since an image on the grid plus rounded noise is the image plus "
        "Gaussian noise, rounded (Voracek & Hein 2023). With an integer network it holds with no "
        "floating-point hole but 1e-14 per pixel, by which the drawn law may miss the stated one.",
    )


def _discrete(sigma: float, scale: int) -> NoiseStatement:
    return NoiseStatement(
        "discrete Gaussian",
        f"P(z) ∝ exp(-z²/2s²) on steps of 1/{scale}, s = {sigma * scale:g} (σ = {sigma:g}); drawn "
        "and added in integers.",
        f"Claimed by Lin et al. 2021: the smoothed answer is the same at every image on the grid "
        f"of 1/{scale} within the L2 radius σ Φ⁻¹(p). Their proof gives the worst set of noises, a "
        "half-space; that its probability is the Gaussian one is not proven. Proven, by Rényi "
        "divergence, is a radius of about 0.8 times that (discrete_certified_radius). Rounded "
        "noise has the full radius and a proof: prefer it.",
    )


_STATEMENTS: dict[NoiseKind, Callable[[float, int], NoiseStatement]] = {
    "gaussian": _gaussian,
    "rounded": _rounded,
    "discrete": _discrete,
}
