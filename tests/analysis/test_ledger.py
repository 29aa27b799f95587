"""What is said of a study's certificates is what its methods prove."""

import pytest
from irs_core.analysis.guarantee import Guarantee, study_guarantee
from synthetic import synthetic_spec

from irs_core.spec.settings import Settings
from irs_core.spec.study import NoiseSpec

SETTINGS = Settings(0.01, 0.002, 0.99)


@pytest.mark.parametrize(
    ("changes", "expected", "words"),
    [
        ({}, Guarantee(0.012, 0.014), "0.012 as published, 0.014 proven in the worst case"),
        ({"methods": ("cirs",)}, Guarantee(0.012, 0.012), "0.012, proven"),
        ({"methods": ("iss", "cirs")}, Guarantee(0.012, 0.012), "0.012, proven"),
        ({"methods": ("irs", "cirs")}, Guarantee(0.012, 0.014), "proven in the worst case"),
        ({"compressions": ()}, Guarantee(0.01, 0.01), "0.01, proven"),
        ({"noise": NoiseSpec(0.5, kind="rounded")}, Guarantee(0.012, 0.014), "worst case"),
        ({"noise": NoiseSpec(0.5, kind="discrete")}, Guarantee(0.012, 1.0), "is not proven"),
    ],
)
def test_each_method_and_noise_has_its_own_statement(changes, expected, words):
    found = study_guarantee(synthetic_spec(**changes), SETTINGS)
    assert (found.claimed, found.proven) == pytest.approx((expected.claimed, expected.proven))
    assert words in found.sentence
