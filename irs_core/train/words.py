"""What came of a training, in words. Works without torch."""

from irs_core.train.denoiser_spec import DenoiserMeasure, DenoiserResult
from irs_core.train.spec import TrainResult


def of_denoiser(result: DenoiserResult) -> str:
    """Its size, and a line for each sigma."""
    first = f"{result.parameters:,} parameters"
    lines = (f"  {_measured(one, result.held_out)}" for one in result.measured)
    return "\n".join([first, *lines])


def of_classifier(result: TrainResult, sigma: float) -> str:
    """Its accuracy.

    Args:
        sigma: Noise that it was trained under, pixel units.
    """
    found = result.accuracy
    said = "not measured" if found is None else accuracies(found.clean, found.noisy, sigma)
    return f"accuracy {said}"


def accuracies(clean: float, noisy: float, sigma: float) -> str:
    """Accuracy of a trained network, and under the noise that it was trained with, if any.

    Args:
        sigma: Noise in pixel units; 0 for none, of which `noisy` repeats `clean`.
    """
    return f"{clean:.1%} clean" + (f", {noisy:.1%} under noise {sigma:g}" if sigma else "")


def _measured(one: DenoiserMeasure, images: int) -> str:
    said = (
        f"sigma {one.sigma:g}, {images} images held out: {one.noisy:.1f} dB noisy, "
        f"{one.denoised:.1f} dB denoised"
    )
    if one.agree_noisy is None or one.agree_denoised is None:
        return said
    return (
        f"{said}; the classifier answers as on the clean image for {one.agree_noisy:.1%} of noisy "
        f"and {one.agree_denoised:.1%} of denoised ones"
    )
