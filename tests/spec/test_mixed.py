"""Mixed compressions as text: every part reads back, every rule is kept."""

import pytest

from irs_core.errors import SpecError
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.mixed import Mixed, Treatment, mixed, parse_mixed, parse_treatment


@pytest.mark.parametrize(
    "text",
    [
        "fp32",
        "int8",
        "2:4",
        "2:4+int8",
        "prune:0.3",
        "prune:0.3+bf16",
        "channels:0.25+int8",
        "lowrank:0.9+int4",
    ],
)
def test_a_treatment_and_its_text_are_inverse(text: str) -> None:
    assert str(parse_treatment(text)) == text


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("int9", "made of"),
        ("", "made of"),
        ("prune", "made of"),
        ("prune:x", "made of"),
        ("prune:1", r"\(0, 1\)"),
        ("prune:nan", r"\(0, 1\)"),
        ("int8+int4", "once"),
        ("2:4+prune:0.3", "one way"),
        ("lowrank:0.9+channels:0.1", "one way"),
    ],
)
def test_a_treatment_that_breaks_a_rule_is_refused(text: str, rule: str) -> None:
    with pytest.raises(SpecError, match=rule):
        parse_treatment(text)


def test_a_mix_and_its_text_are_inverse_and_sorted() -> None:
    made = parse_compression("mixed:int8,fc=int4,conv1=fp32")
    assert isinstance(made, Mixed)
    assert str(made) == "mixed:int8,conv1=fp32,fc=int4"
    assert parse_mixed(str(made)) == made
    assert (str(made.of("conv1")), str(made.of("layer1.0.conv1"))) == ("fp32", "int8")


def test_what_is_the_default_is_not_named() -> None:
    int8 = Treatment("int8")
    assert mixed(int8, {"fc": int8, "conv1": Treatment()}).layers == (("conv1", Treatment()),)
    with pytest.raises(SpecError, match="not named"):
        Mixed(int8, (("fc", int8),))


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("mixed:", "LAYER=TREATMENT"),
        ("mixed:fp32", "at least one"),
        ("mixed:int8,conv1", "once"),
        ("mixed:int8,conv1=fp32,conv1=int4", "once"),
        ("mixed:int8,=fp32", "name of a layer"),
        ("mixed:int8,a b=fp32", "name of a layer"),
    ],
)
def test_a_mix_that_breaks_a_rule_is_refused(text: str, rule: str) -> None:
    with pytest.raises(SpecError, match=rule):
        parse_compression(text)


def test_titles_of_different_mixes_differ() -> None:
    names = [f"layer{one}" for one in range(6)]
    fp32 = Treatment()
    made = [mixed(Treatment("int8"), dict.fromkeys(names[:k], fp32)) for k in range(6)]
    made += [mixed(Treatment("int8"), dict.fromkeys(names[1:], fp32))]
    assert len({one.title for one in made}) == len(made)
    assert made[0].title == "int8 everywhere"
    assert made[1].title == "int8, layer0 fp32"
