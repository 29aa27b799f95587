"""A dry run of somebody's own model, and what it measured."""

from dataclasses import replace

import streamlit as st

from irs_core.actions import taking
from irs_core.foreign.answers import TRIED_IMAGES, DryRun
from irs_core.people import Action
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.compressions import Compression
from irs_core.spec.data_kinds import DATA_KINDS, KINDS, DataKind
from irs_core.spec.study import DataSpec, ModelSpec
from irs_core.text import csv_cell, markdown
from ui.certify import ways_out
from ui.shared import inventory, own_files, refusals, theme, who

# What was measured last, and of what: it stays while what is below it is used.
_REPORT = "dry_run_report"


def show_check() -> None:
    """A form for a dry run, what it measured, and ways out where noise takes the accuracy."""
    path = own_files.pick_model("Model file", "check_weights")
    left, middle, right, last = st.columns(4)
    names = inventory.architectures()
    arch = left.selectbox("Architecture", ["as the file says", *names], key="check_arch")
    kind: DataKind = middle.selectbox("On images of", DATA_KINDS, key="check_model_kind")
    sigma = right.number_input("σ, noise", value=0.5, step=0.05, key="check_sigma")
    with last:
        order = own_files.pick_channel_order("check_channel_order")
    root = (
        ""
        if not KINDS[kind].root
        else own_files.pick_data("Folder (ROOT)", kind, "check_model_root")
    )
    compressed = own_files.pick_compressed("check_compressed")
    if not path:
        return
    with refusals.explained():
        model = ModelSpec(
            own_files.allowed(path),
            None if arch.startswith("as ") else arch,
            channel_order=order,
        )
        facts = inventory.model_facts(model)
        shape = "any size" if facts.input_shape is None else "x".join(map(str, facts.input_shape))
        st.success(
            f"{markdown(facts.arch)}, {facts.num_classes} classes, inputs {shape}, "
            f"{theme.count(facts.parameters)} parameters, {theme.file_size(facts.size_bytes)}. "
            f"Digest {facts.digest}"
        )
        texts = tuple(own_files.described(text) for text in compressed)
        try_out(model, DataSpec(kind, root or None), sigma, tuple(map(parse_compression, texts)))


def try_out(
    model: ModelSpec, data: DataSpec, sigma: float, compressions: tuple[Compression, ...]
) -> None:
    """A button for a dry run; below it what was measured, while it is still of the same.

    Args:
        data: Some of these images are taken, from all over them.
        sigma: Noise in pixel units.

    Raises:
        IrsError: The model, the data or a compression cannot be used.
    """
    asked = (model, data, sigma, compressions)
    pressed = who.button(
        "Dry run",
        Action.CHECK,
        icon=":material/science:",
        key="check_run",
        help=f"Accuracy without and with noise on at most {TRIED_IMAGES} of the images, and on "
        "those held out. Nothing is stored and nothing is certified.",
    )
    if not pressed and st.session_state.get(_REPORT, (None,))[0] != asked:
        return
    facts = inventory.model_facts(model)
    if pressed:
        with taking(who.acting(), Action.CHECK, facts.digest):
            named = inventory.with_model_classes(data, model.weights)
            found = inventory.check_model(model, named, sigma, compressions)
        st.session_state[_REPORT] = (asked, facts.digest, found)
    _, digest, report = st.session_state[_REPORT]
    # Another file may have taken the model's place.
    if digest != facts.digest:
        return
    _show_report(report)
    if report.ways:
        fitted = replace(data, channels=report.channels, class_list=report.class_list)
        ways_out.show(model, fitted, sigma, facts, report)


def _show_report(report: DryRun) -> None:
    st.dataframe(
        [
            {
                "model": csv_cell(row.title),
                "clean accuracy": theme.percent(row.clean),
                "under noise": theme.percent(row.noisy),
                "by vote": theme.percent(row.voted),
                "agrees": theme.percent(row.agreement),
                "per second": round(row.rate),
                "run by": row.execution,
                "digest": row.digest[:16],
            }
            for row in report.rows
        ],
        hide_index=True,
    )
    for sentence in report.warnings:
        st.warning(markdown(sentence), icon=":material/warning:")
    st.caption(
        f"{markdown(report.data)}. Plain estimates: nothing is stored and nothing is certified."
    )
