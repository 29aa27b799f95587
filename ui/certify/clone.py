"""A job's study as values of the form on the Certify page, to be changed and started again."""

from typing import Any

from irs_core.spec.compression_kinds import KINDS as COMPRESSIONS
from irs_core.spec.compressions import IntegerOnly
from irs_core.spec.outside import SHIPPED_PREFIX
from irs_core.spec.study import DataSpec, ModelSpec, StudySpec
from ui.certify.goal_form import Kind, goal_values
from ui.shared.own_files import clone_texts

OWN_FILE, NO_DENOISER = "own file", "none"
FROM_FILE = "as the file says"
# What is done to the colours of image files, and its number of channels.
CHANNELS = {"as the files": None, "make them grey": 1, "repeat grey as colours": 3}
# The form has no word for "all".
_EVERY = 1_000_000


def form_values(spec: StudySpec, *, goal: Kind | None = None) -> dict[str, Any]:
    """Session values by widget key. Uneven n_p become evenly spaced ones of the same range.

    Args:
        goal: A kind of goal to choose instead of the study's own.
    """
    kinds, ratios = _compressions(spec)
    return {
        "form_noise": spec.noise.kind,
        **model_values(spec.model, spec.noise.sigma),
        **denoiser_values(spec.model.denoiser),
        **data_values(spec.data),
        "form_max": spec.data.max or _EVERY,
        "form_holdout": spec.data.holdout,
        "form_start": spec.data.start,
        "form_stride": spec.data.stride,
        "form_kinds": kinds,
        **clone_texts([str(compression) for compression in spec.compressions]),
        **{f"form_ratios_{kind}": values for kind, values in ratios.items()},
        "form_n0": spec.n0,
        "form_n": spec.n,
        "form_seed": spec.noise.seed,
        "form_name": spec.name,
        "form_shares": (
            max(1, round(100 * spec.n_p[0] / spec.n)),
            max(1, round(100 * spec.n_p[-1] / spec.n)),
        ),
        "form_steps": len(spec.n_p),
        "form_alpha": spec.alpha,
        "form_alpha_zeta": spec.alpha_zeta,
        "form_gamma": spec.gamma,
        "form_methods": list(spec.methods),
        "form_baseline": spec.baseline,
        **({"form_radii": ", ".join(f"{one:g}" for one in spec.radii)} if spec.radii else {}),
        "form_tolerance": spec.tolerance,
        "form_convention": spec.convention,
        **goal_values(spec),
        **({"form_goal": goal} if goal else {}),
    }


def model_values(model: ModelSpec, sigma: float) -> dict[str, Any]:
    """Those of a classifier and the noise."""
    shipped = model.weights.startswith(SHIPPED_PREFIX)
    choice = model.weights if shipped else OWN_FILE
    return {
        "form_model": choice,
        f"form_sigma_{choice}": sigma,
        "form_weights": "" if shipped else model.weights,
        "form_arch": model.arch or FROM_FILE,
        "form_output": model.output or "",
        "form_channel_order": model.channel_order,
    }


def data_values(data: DataSpec) -> dict[str, Any]:
    """Those of a data set, without how its inputs are chosen."""
    return {
        "form_kind": data.kind,
        "form_root": data.root or "",
        "form_split": data.split,
        "form_size": data.size or 0,
        "form_channels": next(one for one in CHANNELS if CHANNELS[one] == data.channels),
        "form_classes": data.class_list or "",
    }


def denoiser_values(name: str | None) -> dict[str, str]:
    """Those of a denoiser in front; None for none."""
    if name is None or name.startswith(SHIPPED_PREFIX):
        return {"form_denoiser": name or NO_DENOISER, "form_denoiser_file": ""}
    return {"form_denoiser": OWN_FILE, "form_denoiser_file": name}


def _compressions(spec: StudySpec) -> tuple[list[str], dict[str, list[str]]]:
    kinds: list[str] = []
    ratios: dict[str, list[str]] = {}
    for compression in spec.compressions:
        kind, _, number = str(compression).partition(":")
        if isinstance(compression, IntegerOnly):
            number = str(compression.bits)
        if kind in COMPRESSIONS and kind not in kinds:
            kinds.append(kind)
        if number and kind in COMPRESSIONS:
            ratios.setdefault(kind, []).append(number)
    return kinds, ratios
