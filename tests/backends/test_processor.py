"""Processors whose 8-bit sums are exact, and how evidence names the others."""

import pytest

from irs_core.backends import processor
from irs_core.decide import integer_sums_flag


@pytest.fixture
def cpu(tmp_path, monkeypatch):
    path = tmp_path / "cpuinfo"
    monkeypatch.setattr(processor, "_CPU", path)
    processor.exact_8_bit_sums.cache_clear()
    yield path
    processor.exact_8_bit_sums.cache_clear()


@pytest.mark.parametrize(
    ("flags", "exact"),
    [
        ("flags : fpu avx2 avx512_vnni", True),
        ("flags : fpu avx_vnni avx2", True),
        ("Features : fp asimd asimddp", True),
        ("flags : fpu avx2 avx512bw", False),
        ("Features : fp asimd", False),
        ("", False),
    ],
)
def test_sums_are_exact_where_the_processor_says_so(cpu, flags, exact):
    cpu.write_text(flags + "\n")
    assert processor.exact_8_bit_sums() == exact


def test_evidence_of_inexact_sums_has_a_name_and_a_flag_of_its_own(cpu):
    cpu.write_text("flags : avx2\n")
    named = processor.as_computed("int8")
    assert named != "int8"
    assert integer_sums_flag([named]).code == "inexact-8-bit-sums"
    assert processor.as_computed("fp32") == "fp32"
    cpu.write_text("flags : avx512_vnni\n")
    processor.exact_8_bit_sums.cache_clear()
    assert processor.as_computed("int8") == "int8"


def test_nothing_is_known_of_a_processor_that_says_nothing(cpu):
    assert not processor.exact_8_bit_sums()
