"""Of a model that was not trained under the noise: what helps it, tried in small, then started."""

import math
from dataclasses import replace

import streamlit as st

from irs_core.actions import taking
from irs_core.foreign.answers import DryRun, ModelFacts, WayRow, Ways
from irs_core.people import Action
from irs_core.spec.study import DataSpec, ModelSpec
from irs_core.text import csv_cell, markdown
from irs_core.train.task import Training, denoiser_training, finetuning
from ui.shared import inventory, launch, theme, who

# The pilot that ran last, and of what.
_PILOT = "ways_pilot"
_LABELS = {"denoised": "Train a denoiser", "fine-tuned": "Fine-tune the model"}
_MEANS = {
    "denoised": "The model stays as it is; certified is the denoiser followed by the model, and "
    "both belong to what is deployed.",
    "fine-tuned": "The model's weights change, and accuracy without noise may fall; nothing is "
    "added at run time.",
}


def show(model: ModelSpec, data: DataSpec, sigma: float, facts: ModelFacts, report: DryRun) -> None:
    """Offer a pilot of the ways, and with its predictions the start of each as a job.

    Args:
        data: The images of the dry run, fitted to the model.
        report: What the dry run measured; it names the ways that are open.

    Raises:
        IrsError: The pilot cannot run, or a job cannot be queued.
    """
    st.markdown("**Not trained under this noise.** What helps, without training from scratch:")
    st.markdown("\n".join(f"- {_LABELS[name]}. {_MEANS[name]}" for name in report.ways))
    with st.expander("As commands"):
        for sentence in report.offers:
            st.markdown(markdown(sentence))
    asked = (model, facts.digest, data, sigma)
    if who.button(
        "Try them on a few images",
        Action.CHECK,
        icon=":material/compare_arrows:",
        key="ways_run",
        help="Trains each for a moment and predicts from that. It may take a minute or two.",
    ):
        with taking(who.acting(), Action.CHECK, facts.digest):
            st.session_state[_PILOT] = (asked, inventory.compare_ways(model, data, sigma))
    known, found = st.session_state.get(_PILOT, (None, None))
    if known != asked:
        return
    _show_pilot(found)
    for row in found.rows:
        if row.name in report.ways and not row.refused:
            training = _training(row.name, model, data, sigma, found, report)
            _offer(row, found, training)


def _training(
    name: str,
    model: ModelSpec,
    data: DataSpec,
    sigma: float,
    found: Ways,
    report: DryRun,
) -> Training:
    if name == "fine-tuned":
        # The classifier alone, which a denoiser in front may have made another kind of.
        facts = inventory.model_facts(replace(model, denoiser=None))
        return finetuning(
            model,
            data,
            sigma,
            arch=facts.arch,
            size_bytes=facts.size_bytes,
            images=found.images,
        )
    # What can be fine-tuned has gradients, which training against its answers needs as well.
    against = "fine-tuned" in report.ways
    return denoiser_training(
        model, data, sigma, against=against, images=found.images, levels=found.levels
    )


def _offer(row: WayRow, found: Ways, training: Training) -> None:
    """A button that starts one way, with what it is expected to take and to bring."""
    radius, share = found.radii[0], row.certified[0]
    st.caption(
        f"{_LABELS[row.name]}: about {theme.duration(math.ceil(row.seconds))} here. Trained on "
        f"{markdown(row.trained)}, it is right on {theme.percent(row.voted)} by vote and expected "
        f"to certify {theme.percent(share)} at radius {radius:g}; all images should give more."
    )
    if who.button(
        _LABELS[row.name], Action.TRAIN, icon=":material/model_training:", key=f"train-{row.name}"
    ):
        launch.watch(launch.train(training))


def _show_pilot(found: Ways) -> None:
    st.dataframe(
        [
            {
                "way": row.name,
                "clean accuracy": theme.percent(row.clean),
                "under noise": theme.percent(row.noisy),
                "by vote": theme.percent(row.voted),
                **{
                    f"certified at {radius:g}": theme.percent(share)
                    for radius, share in zip(found.radii, row.certified, strict=True)
                },
                "per second": round(row.rate),
                "pilot": csv_cell(row.trained or "as it is"),
            }
            for row in found.rows
            if not row.refused
        ],
        hide_index=True,
    )
    for row in found.rows:
        if row.refused:
            st.caption(f"{markdown(row.name)} was not tried: {markdown(row.refused)}")
    st.caption(
        "Predictions from a few images and copies: nothing is stored, nothing is certified. "
        "What is chosen by them is to be decided on other images."
    )
