"""A method is added in one place and shown everywhere, with its own numbers."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from app_pages import open_page, texts
from synthetic import synthetic_study

from irs_core import methods
from irs_core.analysis.analysis import Analysis
from irs_core.analysis.tables import speedup_table, summary_table
from irs_core.analysis.tally import tally_study
from irs_core.certify import Certificates
from irs_core.certify.certificates import certificates_from_bounds
from irs_core.errors import UnknownKeyError
from irs_core.methods import MethodDef, Style
from irs_core.methods.kit.case import Case
from irs_core.report.figures import time_figure
from irs_core.spec.settings import Settings
from irs_core.store import Library
from ui.shared import tables
from ui.shared.entries import Panel


def _hoeffding(case: Case, point: int) -> Certificates:
    """From scratch with Hoeffding's bound instead of the exact one."""
    n = case.budgets[point]
    share = case.counts.scratch_hits[case.rows, point] / n
    made = methods.get("rs").certify(case, point)
    return certificates_from_bounds(
        made.candidate,
        np.maximum(share - np.sqrt(np.log(1 / case.level) / (2 * n)), 0.0),
        n_samples=made.n_samples,
        branch=made.branch,
        zeta_upper=made.zeta_upper,
        sigma=made.sigma,
        method="trial",
        claimed_failure=case.level,
        provable_failure=case.level,
    )


TRIAL = MethodDef(
    name="trial",
    title="TRIAL",
    phrase="a trial",
    sentence="From scratch with a simpler bound.",
    asked_with="the RS baseline",
    style=Style("longdashdot", "hexagram"),
    order=77,
    standing=7,
    proven=lambda settings: settings.alpha + settings.alpha_zeta,
    stages=lambda models: iter(()),
    expected=lambda spec: {},
    certify=_hoeffding,
    seconds=lambda case, point: np.full(int(case.rows.sum()), 7.0 * (1 + point)),
)


@pytest.fixture
def trial(monkeypatch: pytest.MonkeyPatch) -> MethodDef:
    monkeypatch.setattr(methods, "_KNOWN", {**methods._KNOWN})
    methods.register(TRIAL)
    return TRIAL


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "shipped").mkdir()
    monkeypatch.setenv("IRS_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("IRS_SHIPPED", str(tmp_path / "shipped"))
    return tmp_path / "store"


def test_a_registered_method_is_in_every_table_and_figure_with_its_own_seconds(
    trial: MethodDef, tmp_path: Path
) -> None:
    library = Library(tmp_path)
    record = synthetic_study(library)
    analysis = Analysis(tally_study(library.open(record.id)), Settings.of(record.spec))
    points = analysis.compare("fp16").points("trial")
    assert [point.seconds for point in points] == [40 * 7.0, 40 * 14.0, 40 * 21.0]
    assert 0 < points[-1].acr.value < analysis.compare("fp16").points("rs")[-1].acr.value
    assert speedup_table(record, analysis)["trial (seconds)"].notna().any()
    names = [trace["name"] for trace in time_figure(record, analysis)["data"]]
    assert "fp16, TRIAL" in [name.replace(" weights", "") for name in names]
    panel = Panel("fp16", "fp16", "#000", analysis.compare("fp16"))
    frame = tables.curve_table([panel])
    assert frame.loc[frame["method"] == "TRIAL", "seconds"].tolist() == [280.0, 560.0, 840.0]
    assert "TRIAL, s" in tables.speedup_table([panel])
    assert "trial" not in summary_table(record, analysis)["method"].tolist()


@pytest.mark.parametrize("page", ["acr_time", "certify"])
def test_pages_show_a_registered_method(trial: MethodDef, store: Path, page: str) -> None:
    synthetic_study(Library(store))
    at = open_page(page)
    assert not at.exception
    if page == "certify":
        assert "TRIAL" in at.multiselect(key="form_methods").options
        return
    spec = at.get("plotly_chart")[0].proto.spec
    assert "TRIAL, a trial" in spec
    assert any("TRIAL, s" in frame.value for frame in at.dataframe)
    assert texts(at)


def test_a_name_an_order_or_a_style_is_given_once(trial: MethodDef) -> None:
    for clash in (
        trial,
        replace(trial, name="other", style=Style("solid", "x"), order=0),
        replace(trial, name="other", order=78),
    ):
        with pytest.raises(UnknownKeyError, match="of its own"):
            methods.register(clash)


def test_an_unknown_method_is_named_with_those_that_exist() -> None:
    with pytest.raises(UnknownKeyError, match=r"one of rs, irs, iss, cirs.* got 'abc'"):
        methods.get("abc")
