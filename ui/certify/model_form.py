"""The part of the form that names the original: classifier, denoiser in front, noise."""

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from irs_core.sampling.statements import describe_noise
from irs_core.spec.outside import SHIPPED_PREFIX
from irs_core.spec.study import NOISE_KINDS, ModelSpec, NoiseKind
from ui.certify.clone import FROM_FILE, NO_DENOISER, OWN_FILE
from ui.shared import inventory, own_files
from ui.shared.glossary import HELP


def pick_model() -> tuple[Callable[[], ModelSpec], float]:
    """What makes the original that was chosen, its denoiser included; the noise.

    What is given may raise an IrsError: a file that the app may not read.
    """
    classifier, sigma = _classifier()
    denoiser = _denoiser()
    return lambda: replace(classifier(), denoiser=denoiser()), sigma


def _classifier() -> tuple[Callable[[], ModelSpec], float]:
    cards = inventory.shipped()
    names = [f"{SHIPPED_PREFIX}{name}" for name in cards]
    preferred = f"{SHIPPED_PREFIX}digits-0.50"
    left, right = st.columns(2)
    choice = left.selectbox(
        "Model",
        [*names, OWN_FILE],
        index=names.index(preferred) if preferred in names else 0,
        key="form_model",
        bind="query-params",
        help="A model that comes along, or a weights file on this machine.",
    )
    card = cards.get(choice.removeprefix(SHIPPED_PREFIX), {})
    sigma = right.number_input(
        "σ, noise in pixel units",
        # Of a model that never saw noise the card says 0, under which nothing can be certified.
        value=float(card.get("sigma") or 0.5),
        step=0.05,
        format="%.3f",
        # Another model starts from the noise that it was trained with.
        key=f"form_sigma_{choice}",
        bind="query-params",
        help=HELP["sigma"],
    )
    if choice != OWN_FILE:
        return lambda: ModelSpec(choice), sigma
    with left:
        path = own_files.pick_model("Model file", "form_weights")
    arch = right.selectbox(
        "Architecture",
        [FROM_FILE, *inventory.architectures()],
        key="form_arch",
        bind="query-params",
    )
    output = right.text_input(
        "Output that holds the scores (optional)",
        key="form_output",
        bind="query-params",
        help="Of an ONNX or OpenVINO file with several outputs.",
    )
    with right:
        order = own_files.pick_channel_order("form_channel_order")
    return lambda: ModelSpec(
        own_files.allowed(path),
        None if arch == FROM_FILE else arch,
        output=output.strip() or None,
        channel_order=order,
    ), sigma


def _denoiser() -> Callable[[], str | None]:
    """What takes noise out of images before the classifier, if anything."""
    left, right = st.columns(2)
    names = [f"{SHIPPED_PREFIX}{name}" for name in inventory.denoisers()]
    choice = left.selectbox(
        "Denoiser in front",
        [NO_DENOISER, *names, OWN_FILE],
        key="form_denoiser",
        bind="query-params",
        help="For a model that was never trained under noise. Certified is the denoiser followed "
        "by the model, as one function; accuracy and latency are those of both.",
    )
    if choice != OWN_FILE:
        return lambda: None if choice == NO_DENOISER else choice
    with right:
        path = own_files.pick_denoiser("Denoiser file", "form_denoiser_file")
    return lambda: own_files.allowed(path)


def pick_noise_kind() -> NoiseKind:
    """The kind of noise."""
    kind: NoiseKind = st.segmented_control(
        "Noise",
        NOISE_KINDS,
        default="gaussian",
        required=True,
        format_func=lambda one: describe_noise(one, 1.0, 1).title,
        key="form_noise",
        bind="query-params",
        help=HELP["noise"],
    )
    return kind
