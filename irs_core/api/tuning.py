"""What each layer of a network costs in a notebook."""

from collections.abc import Sequence

from irs_core.api.models import Model
from irs_core.errors import SpecError
from irs_core.models import load_model
from irs_core.spec.mixed import parse_treatment
from irs_core.spec.study import NoiseSpec
from irs_core.tune.changes import every_change
from irs_core.tune.images import images_apart
from irs_core.tune.record import Sensitivity
from irs_core.tune.sensitivity import measure


def sensitivity(
    model: Model,
    treatments: Sequence[str] = ("int8",),
    *,
    sigma: float,
    radius: float | None = None,
    images: int = 100,
    draws: int = 128,
    groups: bool = False,
    times: bool = False,
    seed: int = 1,
) -> Sensitivity:
    """How many answers change under noise when a layer is compressed, for every layer.

    Args:
        model: As `load` gives it; held-out images of its data are used, else training images.
        treatments: What is done to each layer, such as `int8`, `int4`, `bf16`, `2:4`,
            `prune:0.3`, `channels:0.25`, `lowrank:0.9`, or two joined by `+`.
        sigma: Standard deviation of the noise in pixel units, positive.
        radius: L2 radius at which certificates are compared, pixel units; None for sigma.
        images: At most so many images.
        draws: Noisy copies of each image.
        groups: Also each residual block as a whole.
        times: Also the seconds that each change saves of one image (`saved_seconds`), on OpenVINO.
        seed: Of the noise.

    Returns:
        Effects of every treatment of every layer; `ranked()` has the most sensitive first. The
        intervals of all leave rates hold together with 99% on these images.

    Raises:
        IrsError: A treatment is unknown, or there are no images apart from the reported ones.

    Example:
        >>> from irs_core.api import load
        >>> found = sensitivity(load("shipped:digits-0.50", max=4, holdout=4), ["int4"],
        ...                     sigma=0.5, images=4, draws=8)
        >>> len(found.ranked("int4")), found.total
        (7, 32)
    """
    if not treatments:
        raise SpecError("sensitivity needs at least one treatment, such as int8; got none")
    loaded = load_model(model.spec, programs=True)
    changes = every_change(
        loaded.module, [parse_treatment(one) for one in treatments], groups=groups
    )
    return measure(
        loaded,
        images_apart(model.data, images),
        changes,
        noise=NoiseSpec(sigma, seed=seed),
        radius=sigma if radius is None else radius,
        draws=draws,
        weights=model.spec.weights,
        times=times,
    )
