"""Figures in a notebook: those of the pages."""

import numpy as np
import plotly.graph_objects as go
import pytest
from synthetic import synthetic_spec, synthetic_study

from irs_core.api import PLOTS, open_study, plot
from irs_core.errors import MissingEvidenceError, UnknownKeyError
from irs_core.spec.study import DataSpec
from irs_core.store import Library
from ui.explore import distributions


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("store")
    return open_study(synthetic_study(Library(folder)).id, store=folder)


@pytest.mark.parametrize("page", PLOTS)
def test_every_page_has_its_figure(result, page):
    assert isinstance(plot(result, page), go.Figure)
    assert plot(result, page).data


def test_a_figure_is_that_of_the_page(result):
    own = plot(result, "pa_histogram")
    page = distributions.p_lower_histogram(
        np.asarray(result.analysis.base.p_lower), result.analysis.settings.gamma
    )
    assert own.to_dict() == page.to_dict()


def test_a_model_can_be_named(result):
    first, second = (plot(result, "zeta_table", model=one) for one in ("fp16", "prune:0.1"))
    assert first.data[0].marker.color != second.data[0].marker.color
    assert plot(result, "zeta_table").to_dict() == first.to_dict()
    with pytest.raises(UnknownKeyError, match=r"fp16, prune:0\.1; got 'int8'"):
        plot(result, "gamma_sweep", model="int8")


def test_a_figure_without_its_draws_is_a_sentence(tmp_path):
    record = synthetic_study(Library(tmp_path), synthetic_spec(data=DataSpec(max=40)))
    with pytest.raises(MissingEvidenceError, match="holdout=20"):
        plot(open_study(record.id, store=tmp_path), "gamma_sweep")


def test_other_pages_are_refused(result):
    with pytest.raises(UnknownKeyError, match="got 'none'"):
        plot(result, "none")
