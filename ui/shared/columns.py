"""How columns of tables are labelled, formatted and explained."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from irs_core import methods
from irs_core.analysis.results import COSTS
from irs_core.papers import ACCOUNTINGS
from ui.shared.glossary import HELP
from ui.shared.tables import best_name, certified_name, interval_name, speedup_name


def _number(form: str, explanation: str, label: str | None = None) -> Any:
    return st.column_config.NumberColumn(label, format=form, help=explanation)


def models(radii: Sequence[float] = ()) -> dict[str, Any]:
    """The Overview's table, with certified accuracy at some radii."""
    return {
        **{certified_name(radius): _number("%.1f%%", HELP["certified"]) for radius in radii},
        "model": st.column_config.TextColumn(pinned=True),
        "verdict": st.column_config.TextColumn(help=HELP["verdict"]),
        "clean accuracy": _number("%.1f%%", HELP["clean"]),
        "µs per pass": _number("%.1f", HELP["latency"]),
        "recertified in s": _number("%.2f", HELP["recertify"]),
        "smoothed accuracy": _number("%.1f%%", HELP["accuracy"]),
        "ACR": _number("%.3f", HELP["acr"]),
        "ACR at equal draws": _number("%.3f", HELP["acr"]),
        "95% low": _number("%.3f", HELP["interval"], "ACR, 95% low"),
        "95% high": _number("%.3f", HELP["interval"], "ACR, 95% high"),
        "ACR kept": _number("%.1f%%", HELP["kept"]),
        "size kB": _number("%.1f", HELP["size"]),
        "non-zero weights": _number("localized", HELP["nonzero"]),
        "disagreement": _number("%.2f%%", HELP["disagreement"]),
        "speedup, seconds": _number("%.2f×", HELP["speedup"]),
        "speedup, draws": _number("%.2f×", HELP["speedup"]),
        "draws per input": _number("localized", f"{HELP['n_p']} For the original: n."),
        "runs on": st.column_config.TextColumn(
            help="Backend, device and arithmetic that computed the stored evidence."
        ),
    }


def decisions() -> dict[str, Any]:
    """All candidates of a decision."""
    return {
        "model": st.column_config.TextColumn(pinned=True),
        "verdict": st.column_config.TextColumn(help="Of this model, judged for itself."),
        "holds together": st.column_config.TextColumn(
            help="With all others marked so, at the confidence asked for (Holm's procedure)."
        ),
        "may be lost": _number("localized", "Inputs on which a loss is not excluded."),
        "proven lost": _number("localized", "Inputs on which a loss is proven."),
        "exceptions, at most": _number("%.2f%%", "Bound on their share among inputs like these."),
        "size kB": _number("%.1f", HELP["size"]),
        "µs per pass": _number("%.1f", HELP["latency"]),
        "draws per input": _number("localized", HELP["n_p"]),
    }


# Ends of intervals, as columns are called.
_ENDS = {
    "low": "95% low",
    "high": "95% high",
    "sure low": "guaranteed low",
    "sure high": "guaranteed high",
}


def gaps() -> dict[str, Any]:
    """What fewer draws cost and what compression costs."""
    costs = {
        "cost of fewer draws": "The original loses it too; more draws give it back.",
        "cost of compression": "On the same draws of both; negative where it gains.",
    }
    ends = {
        "low": HELP["interval"],
        "high": HELP["interval"],
        "sure low": HELP["sure"],
        "sure high": HELP["sure"],
    }
    return {
        "model": None,
        "quantity": st.column_config.TextColumn(pinned=True),
        **{
            name: _number("%.3f", HELP["equal"])
            for name in ("original, all draws", "original, equal draws", "compressed, equal draws")
        },
        **{name: _number("%.4f", said) for name, said in costs.items()},
        **{
            f"{name}: {end}": _number("%.4f", said, _ENDS[end])
            for name in costs
            for end, said in ends.items()
        },
        # In the download only: the step says nothing about the model.
        "cost of fewer draws: sure low": None,
        "cost of fewer draws: sure high": None,
    }


def differences() -> dict[str, Any]:
    """Two models at equal draws; shares shown as they are."""
    ends = {"low": HELP["interval"], "high": HELP["interval"]}
    sure = {"sure low": HELP["sure"], "sure high": HELP["sure"]}
    return {
        "quantity": st.column_config.TextColumn(pinned=True),
        **{name: _number("%.3f", HELP["equal"]) for name in ("first", "second")},
        "first less second": _number("%.4f", "Positive where the first model has more."),
        **{name: _number("%.4f", said, _ENDS[name]) for name, said in {**ends, **sure}.items()},
        "only first": _number("localized", "Inputs that only the first certifies at this radius."),
        "only second": _number("localized", "Inputs that only the second certifies there."),
    }


def changed() -> dict[str, Any]:
    """Inputs that one of two models certifies and the other does not."""
    return {
        "input": _number("%d", "Position in the full set."),
        **{name: _number("%.3f", HELP["radius"]) for name in ("first", "second")},
    }


def at_radii() -> dict[str, Any]:
    """Certified accuracy of two models at equal draws; shares shown as they are."""
    shares = ("original", "compressed", "cost of compression")
    ends = [f"{name} {end}" for name in shares for end in ("low", "high")]
    return {
        "radius": _number("%.3f", HELP["radius"]),
        **{name: _number("%.3f", HELP["certified"]) for name in shares[:2]},
        "cost of compression": _number("%.3f", "Share lost less share gained."),
        "lost": _number("localized", "Inputs that only the original has at this radius."),
        "gained": _number("localized", "Inputs that only the compressed model has."),
        **{name: _number("%.3f", HELP["exact"], name.split()[-1]) for name in ends},
    }


def kinds() -> dict[str, Any]:
    """Gains and losses on hard and on easy inputs."""
    changes = ("mean gain", "mean loss", "mean change", "mean change low", "mean change high")
    return {
        "inputs are": st.column_config.TextColumn(pinned=True),
        "gained": _number("localized", "Inputs on which the certified radius grew."),
        "lost": _number("localized", "Inputs on which it shrank."),
        **{name: _number("%.4f", HELP["equal"]) for name in changes},
    }


def speedups() -> dict[str, Any]:
    """The table of area speedups."""
    compared = [one.name for one in methods.accelerated()]
    names = [speedup_name(method, cost) for cost in COSTS for method in compared]
    return {
        "model": st.column_config.TextColumn(pinned=True),
        **{name: _number("%.2f×", HELP["speedup"]) for name in names},
        **{
            interval_name(name): st.column_config.TextColumn("95% interval", help=HELP["speedup"])
            for name in names
        },
        **{best_name(one): _number("%.3f", HELP["acr"]) for one in methods.every()},
    }


def why() -> dict[str, Any]:
    """Branch, bounds and draws of each input under CIRS."""
    return {
        "p_A bound": _number("%.4f", HELP["p_lower"]),
        "leave bound": _number("%.4f", "Upper bound on the share of its class that is lost."),
        "bound": _number("%.4f", "Lower bound on the class's probability under noise."),
        "radius": _number("%.3f", HELP["acr"]),
        "expected radius": _number("%.3f", "What the plan expected before the draws were made."),
    }


def forecasts() -> dict[str, Any]:
    """What budgets of CIRS are expected to take and to bring."""
    return {
        "draws per input": _number("localized", "On average over the inputs, the pilot included."),
        "draws": _number("localized", "In all, the pilot included; not those of the original."),
        "seconds": _number("%.1f", "At the rate that the pilot measured."),
        "expected ACR": _number("%.3f", f"Expected, without confidence. {HELP['acr']}"),
    }


def curves() -> dict[str, Any]:
    """Every point of every curve."""
    return {
        "n_p": _number("localized", HELP["n_p"], "nₚ"),
        "ACR": _number("%.3f", HELP["acr"]),
        "95% low": _number("%.3f", HELP["interval"]),
        "95% high": _number("%.3f", HELP["interval"]),
        "seconds": _number("%.3f", HELP["seconds"]),
        "draws": _number("localized", HELP["draws"]),
    }


def zetas() -> dict[str, Any]:
    """The zeta table."""
    return {
        "n_p": _number("localized", HELP["n_p"], "nₚ"),
        "mean ζ": _number("%.3f%%", HELP["zeta"]),
        "95% low": _number("%.3f%%", HELP["interval"]),
        "95% high": _number("%.3f%%", HELP["interval"]),
        "disagreement": _number("%.3f%%", HELP["disagreement"]),
        "leave rate": _number(
            "%.3f%%",
            "Share of the draws on which the original gives its class, on which the compressed "
            "model gives another: all that CIRS is charged for.",
        ),
        "floor": _number("%.3f%%", HELP["floor"]),
        "at the floor": _number("%.0f%%", "Share of inputs on which no draw disagreed."),
        "inputs": _number("localized", "Inputs whose paired draws are stored."),
    }


def sweep() -> dict[str, Any]:
    """The gamma sweep."""
    return {
        "gamma": _number("%.4g", HELP["gamma"], "γ"),
        "ACR": _number("%.4f", HELP["acr"]),
        "95% low": _number("%.4f", HELP["interval"]),
        "95% high": _number("%.4f", HELP["interval"]),
    }


def peers(results: Sequence[str]) -> dict[str, Any]:
    """What each way to certify needs for each result."""
    return {
        "way": st.column_config.TextColumn(pinned=True),
        **{
            one: _number("%.0f", "Least that reaches it; empty where nothing does.")
            for one in results
        },
    }


def bounds() -> dict[str, Any]:
    """The bound on p_A of each input."""
    return {
        "input": _number("%d", "Position in the full set."),
        "p_A lower bound": _number("%.4f", HELP["p_lower"]),
    }


def papers() -> dict[str, Any]:
    """Published numbers beside measured ones."""
    return {
        "published": _number("%.3f", "As printed in the paper."),
        "measured": _number("%.3f", "From the studies of this program."),
        "95% low": _number("%.3f", HELP["interval"]),
        "95% high": _number("%.3f", HELP["interval"]),
        **{one.name: _number("%.2f", f"In draws. {one.rule}") for one in ACCOUNTINGS},
        "draws/s": _number(
            "%d",
            "Noisy copies classified per second, noise included, noted when the study was drawn. "
            "Version of the program and load differ from study to study.",
        ),
        "note": st.column_config.TextColumn(width="large"),
    }


def parts() -> dict[str, Any]:
    """Progress of a job per model and what its draws are for."""
    return {
        "progress": st.column_config.ProgressColumn(
            format="percent", min_value=0.0, max_value=1.0, help="Share of the draws stored."
        ),
        "draws": _number("localized", "Draws stored, those of earlier runs included."),
        "needed": _number("localized", "Draws that the study needs."),
        "draws/s": st.column_config.TextColumn(help="Over the chunks stored last."),
        "time left": st.column_config.TextColumn(help="The rest at that rate."),
    }


def certified(radii: Sequence[float]) -> dict[str, Any]:
    """Certified accuracy at chosen radii."""
    return {
        "model": st.column_config.TextColumn(pinned=True),
        "inputs": _number("localized", "Reported inputs."),
        "ACR": _number("%.3f", HELP["acr"]),
        **{certified_name(radius): _number("%.1f%%", HELP["certified"]) for radius in radii},
    }


def shares() -> dict[str, Any]:
    """How inputs split at one half and at gamma."""
    return {
        "at or above γ": _number("%.1f%%", HELP["gamma"]),
        "between ½ and γ": _number(
            "%.1f%%", "Under IRS, certified from the original's draws, paying ζ."
        ),
        "abstaining": _number("%.1f%%", "No class can be certified; counted as radius 0."),
        "median bound": _number("%.4f", HELP["p_lower"]),
    }


def fates() -> dict[str, Any]:
    """One input under every model."""
    return {
        "model": st.column_config.TextColumn(pinned=True),
        "radius": _number("%.3f", HELP["radius"]),
        "bound": _number("%.4f", "Lower bound on the probability of the tested class."),
        "ζ": _number("%.4f", f"{HELP['zeta']} Under CIRS only answers that leave the class count."),
        "branch": st.column_config.TextColumn(help=HELP["branch"]),
        "why": st.column_config.TextColumn(width="large"),
    }
