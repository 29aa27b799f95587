"""Before the start of a study: what it costs and what it promises."""

import math

import streamlit as st

from irs_core.analysis.ledger import fresh_seed, used_before
from irs_core.run.options import RunOptions
from irs_core.spec.outside import SHIPPED_PREFIX
from irs_core.spec.study import BACKENDS, ModelSpec, StudySpec
from ui.shared import captions, inventory, job_queue, library, theme


def describe_launch(spec: StudySpec, options: RunOptions) -> None:
    """Say in words what a study will cost and promise.

    Raises:
        IrsError: The data do not hold what the study asks for.
    """
    facts = inventory.data_facts(spec.data)
    inputs = facts.reported + facts.held_out
    st.markdown(f"{captions.cost(spec, inputs)} {_expected_time(spec, inputs, options)}")
    st.markdown(captions.guarantee(spec))
    st.caption(captions.noise(spec))
    _warn_of_no_training(spec.model)
    _warn_of_used_draws(spec)


def _warn_of_no_training(model: ModelSpec) -> None:
    """Of a model that comes along the card says whether it ever saw noise."""
    card = inventory.shipped().get(model.weights.removeprefix(SHIPPED_PREFIX))
    if card is not None and not card["sigma"] and model.denoiser is None:
        st.warning(
            "This model was never trained under noise, so few of its answers may be certified. "
            "A dry run tells what is left of its accuracy, and offers what helps.",
            icon=":material/warning:",
        )


def _warn_of_used_draws(spec: StudySpec) -> None:
    """Say which results were seen on these very draws, and which seed draws fresh ones."""
    records = library.seen_records()
    before = used_before(spec, records)
    if before:
        st.warning(
            f"Study {before[0].id[:6]} showed results on these draws. A proof holds only if this "
            "study's settings and numbers of draws were fixed before that; with seed "
            f"{fresh_seed(spec, records)} it stands by itself.",
            icon=":material/recycling:",
        )


def _expected_time(spec: StudySpec, inputs: int, options: RunOptions) -> str:
    """What is stored already, and how long the rest takes at the measured rates."""
    estimate = job_queue.estimate(spec, inputs, options)
    stored = (
        f"**{theme.rounded_count(estimate.stored)}** of them are stored already. "
        if estimate.stored
        else "None is stored yet. "
    )
    if estimate.whole is None:
        return f"{stored}This model was never run here, so there is no prediction of the time."
    seconds = theme.duration(math.ceil(estimate.whole))
    return f"{stored}About **{seconds}** of computing at the rates measured for this model."


def pick_backend() -> RunOptions:
    """What runs the models; never changes the noise."""
    backend = st.selectbox(
        "Run on",
        BACKENDS,
        key="form_backend",
        bind="query-params",
        help="`auto` takes OpenVINO on a CPU and PyTorch on a GPU, whichever can run the model. "
        "The choice is stored with the evidence.",
    )
    return RunOptions(backend=backend)
