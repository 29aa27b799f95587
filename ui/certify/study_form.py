"""The form that describes a study: widgets in, a validated specification out."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st

from irs_core import methods
from irs_core.analysis.ledger import with_fixed_split
from irs_core.spec.budgets import parse_radii
from irs_core.spec.compression_kinds import KINDS as COMPRESSIONS
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.compressions import Compression
from irs_core.spec.convention import CONVENTIONS
from irs_core.spec.data_kinds import DATA_KINDS, KINDS, DataKind
from irs_core.spec.goal import Goal
from irs_core.spec.study import DataSpec, NoiseSpec, StudySpec
from ui.certify import goal_form
from ui.certify.clone import CHANNELS
from ui.certify.model_form import pick_model, pick_noise_kind
from ui.shared import inventory, own_files
from ui.shared.glossary import HELP

# CIRS needs the first two alone.
_LEVELS = (
    ("alpha", "α, for $p_A$", 0.001),
    ("alpha_zeta", "$α_ζ$, for ζ", 0.001),
    ("gamma", "γ, threshold on $p_A$", 0.99),
)
_DEFAULT_KINDS = ["fp16", "int8", "prune"]


def read_form() -> tuple[StudySpec, Goal | None]:
    """Show the form; the study that it asks for, and what its draws are to reach.

    With a goal, n_p and what depends on it are yet to be chosen.

    Raises:
        IrsError: A value breaks a rule.
    """
    with st.container(border=True):
        st.header("1 · Original model and noise")
        model, sigma = pick_model()
        kind = pick_noise_kind()
    with st.container(border=True):
        st.header("2 · Inputs")
        data = _data()
    with st.container(border=True):
        st.header("3 · Compressed models")
        texts = _compressions()
    with st.container(border=True):
        st.header("4 · Draws and confidence")
        numbers, goal = _numbers()
    original = model()
    spec = StudySpec(
        model=original,
        data=inventory.with_model_classes(DataSpec(**data), original.weights),
        noise=NoiseSpec.chosen(sigma, numbers.pop("seed"), kind),
        compressions=parse_all(texts),
        **numbers,
    )
    return with_fixed_split(spec), goal


def parse_all(texts: Sequence[str]) -> tuple[Compression, ...]:
    """Compressions from their text forms.

    Raises:
        IrsError: One is unknown or its number out of range.
    """
    return tuple(parse_compression(own_files.described(text)) for text in texts)


def compression_texts(kinds: Sequence[str], ratios: Mapping[str, Sequence[str]]) -> list[str]:
    """Text forms of the chosen kinds, one per ratio where a kind takes one."""
    texts = []
    for kind in kinds:
        texts += [f"{kind}:{ratio}" for ratio in ratios[kind]] if kind in ratios else [kind]
    return texts


def draw_budgets(n: int, shares: tuple[int, int], steps: int) -> tuple[int, ...]:
    """Evenly spaced n_p between two percentages of n; increasing, each at least 1."""
    low, high = (max(1, round(share * n / 100)) for share in shares)
    return tuple(sorted({round(one) for one in np.linspace(low, high, steps)}))


def _data() -> dict[str, Any]:
    left, right = st.columns(2)
    kind: DataKind = left.selectbox(
        "Data",
        DATA_KINDS,
        format_func=lambda one: f"{one}: {KINDS[one].what}",
        key="form_kind",
        bind="query-params",
    )
    data: dict[str, Any] = {"kind": kind}
    if KINDS[kind].root:
        with right:
            data["root"] = own_files.pick_data("Folder (ROOT)", kind, "form_root")
    if KINDS[kind].folders:
        split, size, colours = st.columns(3)
        data["split"] = split.text_input(
            "Split (sub-folder)", "test", key="form_split", bind="query-params"
        )
        pixels = size.number_input(
            "Resize to (pixels, 0 keeps)", 0, value=0, key="form_size", bind="query-params"
        )
        data["size"] = pixels or None
        data["channels"] = CHANNELS[
            colours.selectbox("Colours", list(CHANNELS), key="form_channels", bind="query-params")
        ]
        listed = st.text_input(
            "List of the model's classes (optional)",
            key="form_classes",
            persist_state="session",
            help="A text or JSON file below a folder in IRS_MODEL_DIRS. Class folders are then "
            "numbered by name. A list beside the model or among the data, and names that an ONNX "
            "or OpenVINO file states, are found without it.",
        )
        data["class_list"] = own_files.allowed(listed.strip()) if listed.strip() else None
    columns = st.columns(4)
    data["max"] = _whole(columns[0], "Inputs", "form_max", 40, "At most this many are certified.")
    data["holdout"] = _whole(columns[1], "Held out", "form_holdout", 20, HELP["holdout"])
    data["start"] = _whole(columns[2], "Start at", "form_start", 0, "Position of the first input.")
    data["stride"] = _whole(
        columns[3], "Take every", "form_stride", 1, "1: every input; 10: every tenth."
    )
    return data


def _compressions() -> list[str]:
    kinds = st.multiselect(
        "Kinds",
        list(COMPRESSIONS),
        default=_DEFAULT_KINDS,
        format_func=lambda kind: COMPRESSIONS[kind].title,
        key="form_kinds",
        bind="query-params",
        help="Each one becomes a compressed model that is certified incrementally.",
    )
    numbers = {kind: COMPRESSIONS[kind].number for kind in kinds}
    chosen = {kind: number for kind, number in numbers.items() if number is not None}
    ratios = {}
    for column, (kind, number) in zip(
        st.columns(max(len(chosen), 1)), chosen.items(), strict=False
    ):
        ratios[kind] = column.multiselect(
            f"{COMPRESSIONS[kind].title}: ratios",
            number.choices,
            default=[number.default],
            accept_new_options=True,
            key=f"form_ratios_{kind}",
            bind="query-params",
            help=f"{COMPRESSIONS[kind].sentence} Type any other number.",
        )
    st.caption(
        "  \n".join(
            f"**{one.title}.** {one.sentence}" for one in (COMPRESSIONS[kind] for kind in kinds)
        )
    )
    return [*compression_texts(kinds, ratios), *own_files.pick_compressed("form_compressed")]


def _numbers() -> tuple[dict[str, Any], Goal | None]:
    columns = st.columns([3, 3, 2, 2], vertical_alignment="bottom")
    n0 = _whole(columns[0], "$n_0$, draws that choose the class", "form_n0", 100, HELP["n0"])
    n = _whole(columns[1], "n, draws of the original", "form_n", 2000, HELP["n"], step=1000)
    seed = _whole(columns[2], "Seed", "form_seed", 0, HELP["seed"])
    name = columns[3].text_input("Name (optional)", key="form_name", bind="query-params")
    goal = goal_form.pick_goal()
    found = {"n0": n0, "n": n, "seed": seed, "name": name.strip()}
    found |= _budgets(n) if goal is None else {"n_p": (n,), "baseline": False}
    return found | _confidence(_LEVELS if goal is None else _LEVELS[:2]), goal


def _budgets(n: int) -> dict[str, Any]:
    left, right = st.columns([3, 1])
    shares = left.slider(
        "$n_p$, from and to (% of n)",
        1,
        100,
        (5, 30),
        key="form_shares",
        bind="query-params",
        help=HELP["n_p"],
    )
    steps = _whole(right, "Steps", "form_steps", 6, "How many $n_p$ between the two.", least=1)
    budgets = draw_budgets(n, shares, steps)
    st.caption(f"$n_p$ = {', '.join(map(str, budgets))}")
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    accelerated = {one.name: one for one in methods.accelerated()}
    asked = left.multiselect(
        "Methods",
        list(accelerated),
        list(accelerated)[:1],
        format_func=lambda name: accelerated[name].title,
        key="form_methods",
        bind="query-params",
        help="  \n".join(f"**{one.title}**: {one.sentence}" for one in accelerated.values()),
    )
    baseline = right.toggle(
        "RS baseline",
        value=True,
        key="form_baseline",
        bind="query-params",
        help=HELP["baseline"],
    )
    looks = any(accelerated[name].plans for name in asked) and st.toggle(
        "Let me see results while it runs",
        key="form_looks",
        bind="query-params",
        help="Whoever may stop at a good result needs a proof for every look. Each $n_p$ then gets "
        "its own part of alpha, the last one half of it, and radii are a little smaller.",
    )
    stops = any(accelerated[name].anytime is not None for name in asked)
    return {
        **(_radii() if stops else {}),
        "looks": bool(looks),
        "convention": st.radio(
            "Radii",
            CONVENTIONS,
            horizontal=True,
            key="form_convention",
            bind="query-params",
            help=HELP["convention"],
        ),
        "n_p": budgets,
        "methods": tuple(name for name in accelerated if name in asked),
        "baseline": baseline,
    }


def _radii() -> dict[str, Any]:
    left, right = st.columns(2)
    text = left.text_input(
        "Radii that count", "0.5", key="form_radii", bind="query-params", help=HELP["radii"]
    )
    tolerance = right.number_input(
        "Tolerance",
        0.0,
        value=0.0,
        step=0.01,
        format="%.3f",
        key="form_tolerance",
        bind="query-params",
        help=HELP["tolerance"],
    )
    return {"radii": parse_radii(text), "tolerance": float(tolerance)}


def _confidence(levels: Sequence[tuple[str, str, float]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for column, (key, label, value) in zip(st.columns(len(levels)), levels, strict=True):
        found[key] = column.number_input(
            label,
            value=value,
            step=0.001,
            format="%.4f",
            key=f"form_{key}",
            bind="query-params",
            help=HELP[key],
        )
    return found


def _whole(
    place: Any, label: str, key: str, value: int, explanation: str, *, step: int = 1, least: int = 0
) -> int:
    return int(
        place.number_input(
            label,
            least,
            value=value,
            step=step,
            key=key,
            bind="query-params",
            help=explanation,
        )
    )
