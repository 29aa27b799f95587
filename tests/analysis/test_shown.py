"""What a study was not made to show is refused by name, whatever draws happen to be there."""

import pytest
from synthetic import synthetic_spec, synthetic_study

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.tally import tally_study
from irs_core.analysis.tsv import certificates_tsv
from irs_core.analysis.why import why_table
from irs_core.errors import UnknownKeyError
from irs_core.spec.settings import Settings
from irs_core.store import Library

NAME = "prune:0.1"
RULE = r"this study was not made to show {}; it shows irs\. Certify with --method {} to have it"


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """A study of IRS alone, whose store has the draws of all methods."""
    library = Library(tmp_path_factory.mktemp("shown"))
    study = library.open(synthetic_study(library, synthetic_spec(baseline=False)).id)
    return study.record, Analysis(tally_study(study), Settings.of(study.record.spec))


def test_the_draws_of_the_others_are_there(opened):
    assert opened[1].has(NAME, "iss")
    assert opened[1].methods(NAME) == ["irs"]


@pytest.mark.parametrize("method", ["iss", "rs"])
def test_per_input_results_of_another_method_are_refused(opened, method):
    with pytest.raises(UnknownKeyError, match=RULE.format(method, method)):
        certificates_tsv(*opened, NAME, method)
    assert certificates_tsv(*opened, NAME, "irs") == certificates_tsv(*opened, NAME)


def test_reasons_of_cirs_are_refused(opened):
    with pytest.raises(UnknownKeyError, match=RULE.format("cirs", "cirs")):
        why_table(*opened, NAME, 2)


def test_an_unknown_method_is_named(opened):
    with pytest.raises(UnknownKeyError, match=r"a method must be one of .*; got 'magic'"):
        certificates_tsv(*opened, NAME, "magic")
