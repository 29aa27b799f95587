"""Studies as files: round trips, places of mistakes, traps of YAML."""

import json
from dataclasses import fields
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic import synthetic_spec

from irs_core.errors import SpecError
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.noise import MOST_SIGMA
from irs_core.spec.study import BOUNDS, CHANNEL_ORDERS, DataSpec, ModelSpec, NoiseSpec, StudySpec
from irs_core.spec.study_file import parse_study, read_study_file, study_text
from irs_core.spec.study_keys import BLOCKS, KEYS, json_schema
from irs_core.store import Library

ROOT = Path(__file__).parents[2]
LEAST = """\
schema: 1
model: shipped:digits-0.50
data:
  kind: digits
  max: 6
sigma: 0.5
compress: [fp16, "prune:0.1"]
"""


def test_every_shipped_study_round_trips(tmp_path):
    specs = [one.record.spec for one in Library(tmp_path).studies()]
    assert len(specs) >= 20
    for spec in specs:
        again = parse_study(study_text(spec)).spec
        assert (again.id, again.name) == (spec.id, spec.name)


_texts = st.text("abcXYZ019 ,:#'\"-{}[]&*!|>%@`~?/.\u00e9\u4e2d", max_size=12)
_share = st.floats(1e-12, 0.4)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_study_round_trips(data):
    draw = data.draw
    model = ModelSpec(
        draw(_texts.filter(bool)),
        draw(st.none() | _texts | st.sampled_from(["no", "off", "null", "~", "1e3", "010"])),
        draw(st.none() | st.integers(2, 9)),
        *draw(st.sampled_from([(None, None), ((0.1, 1e-5), (1e-9, 2.0))])),
        channel_order=draw(st.sampled_from(CHANNEL_ORDERS)),
    )
    compressions = draw(st.sampled_from([(), (parse_compression("prune:1e-05"),)]))
    spec = synthetic_spec(
        model=model,
        data=DataSpec(
            "npz", draw(_texts.filter(bool)), draw(_texts), holdout=draw(st.integers(0, 9))
        ),
        noise=NoiseSpec(
            draw(st.floats(1e-9, MOST_SIGMA)), draw(st.integers(0, 2**63 - 1)), "rounded", 2
        ),
        compressions=compressions,
        alpha=draw(_share),
        alpha_zeta=draw(_share),
        # Without compressions, seq certifies the original alone.
        methods=("irs", "seq") if compressions else ("seq",),
        radii=(1e-7, draw(st.floats(0.1, 1e17))),
        split_draws=draw(st.none() | st.integers(1, 2000)),
        bound=draw(st.sampled_from(BOUNDS)),
        looks=draw(st.booleans()),
        name=draw(_texts),
    )
    again = parse_study(study_text(spec)).spec
    assert again == spec
    assert (again.id, again.name) == (spec.id, spec.name)
    # Other readers of YAML see the same numbers.
    assert yaml.safe_load(study_text(spec))["alpha"] == spec.alpha


@pytest.mark.parametrize(
    ("old", "changed", "place", "rule"),
    [
        ("sigma: 0.5", "sigm: 0.5", "line 6, column 1", "unknown key 'sigm'; did you mean sigma?"),
        ("  max: 6", "  maxx: 6", "line 5, column 3", "unknown key 'maxx'; did you mean max?"),
        (
            "sigma: 0.5",
            "sigma: -1",
            "line 6, column 8",
            "sigma must be positive; got -1",
        ),
        ("sigma: 0.5", "sigma: half", "line 6, column 8", "sigma must be a number; got 'half'"),
        ("sigma: 0.5", "sigma: '0.5'", "line 6, column 8", "without quotes"),
        ("sigma: 0.5", "sigma: .nan", "line 6, column 8", "must be a number"),
        ("sigma: 0.5", "sigma: e5", "line 6, column 8", "must be a number"),
        ("sigma: 0.5", "sigma: 1e999", "line 6, column 8", "at most 10"),
        ("sigma: 0.5", "sigma: 0.5\nsigma: 1", "line 7, column 1", "first in line 6"),
        ("sigma: 0.5", "sigma: 0.5\nlooks: no", "line 7, column 8", "true or false; got 'no'"),
        ("sigma: 0.5", "sigma: 0.5\nn0: 010", "line 7, column 5", "a whole number; got '010'"),
        ("sigma: 0.5", "sigma: 0.5\nn_p: [1%, many]", "line 7, column 11", "got 'many'"),
        ("sigma: 0.5", "sigma: 0.5\nn: 50\nn_p: 60", "line 8, column 6", "every n_p must be in"),
        ("sigma: 0.5", "sigma: 0.5\nmethods: cirss", "line 7, column 10", "did you mean cirs?"),
        ("sigma: 0.5\n", "", "line 1, column 1", "the key sigma is missing"),
        ("schema: 1", "schema: 2", "line 1, column 9", "schema must be 1; got 2"),
        (
            "model: shipped:digits-0.50",
            "model: {weights: w.onnx, channel_order: brg}",
            "line 2, column 41",
            "channel_order must be one of rgb, bgr; got 'brg'; did you mean rgb?",
        ),
        ("[fp16,", "[int3,", "line 7, column 12", "unknown compression 'int3'"),
        ("kind: digits", "kind: digit", "line 4, column 9", "did you mean digits?"),
        ("  max: 6", "\tmax: 6", "line 5, column 1", "indent with spaces"),
        ("fp16", "&a fp16", "line 7, column 12", "anchors and aliases"),
        ("fp16", "*a", "line 7, column 12", "anchors and aliases"),
        ("fp16", "!!python/name:os.system x", "line 7, column 12", "tags are refused"),
        ("fp16", "[[[[[x]]]]]", "line 7", "levels"),
        ("schema: 1", "schema: 1\n---\nschema: 1", "line 2, column 1", "a second document"),
        ("schema: 1", "- 1", "line 2", "not YAML"),
    ],
)
def test_mistakes_are_named_with_their_place(old, changed, place, rule):
    assert old in LEAST
    with pytest.raises(SpecError) as raised:
        parse_study(LEAST.replace(old, changed, 1))
    assert f"study.yaml, {place}" in str(raised.value)
    assert rule in str(raised.value)


@pytest.mark.parametrize(
    "content", ["", "# nothing", "3", "a" * 100_001, b"\xff\xfe\x00", "[", "\x00"]
)
def test_what_is_no_study_is_one_sentence(content):
    with pytest.raises(SpecError, match=r"study\.yaml"):
        parse_study(content)


def test_values_are_read_as_people_mean_them():
    found = parse_study(b"\xef\xbb\xbf" + (LEAST + "alpha: 1e-3\nn: 10_000\n").encode())
    assert found.spec.alpha == 0.001
    assert found.spec.n_p == (100, 200, 500, 1000)
    assert "alpha" in found.given
    assert "gamma" not in found.given


def test_paths_start_from_the_file(tmp_path):
    text = LEAST.replace("shipped:digits-0.50", "w.pt").replace("digits", "npz\n  root: d/x.npz")
    (tmp_path / "study.yaml").write_text(text)
    spec = read_study_file(tmp_path / "study.yaml").spec
    assert spec.model.weights == str(tmp_path / "w.pt")
    assert spec.data.root == str(tmp_path / "d" / "x.npz")
    shipped = parse_study(LEAST, folder=tmp_path).spec
    assert shipped.model.weights == "shipped:digits-0.50"


def test_keys_are_the_fields_of_a_study():
    names = {key.name for key in KEYS if key.plain}
    assert names == {one.name for one in fields(StudySpec)} - {
        *("model", "data", "noise", "compressions", "name")
    }
    assert [key.name for key in BLOCKS["model"]] == [one.name for one in fields(ModelSpec)]
    assert [key.name for key in BLOCKS["data"]] == [one.name for one in fields(DataSpec)]


def test_the_schema_file_is_made_from_the_table():
    written = json.loads((ROOT / "docs" / "study-file.schema.json").read_text())
    assert written == json.loads(json.dumps(json_schema()))


def test_the_page_explains_every_key():
    page = (ROOT / "docs" / "study-file.md").read_text()
    example = page.partition("```yaml\n")[2].partition("```")[0]
    assert parse_study(example).spec.noise.sigma == 0.5
    keys = [*KEYS, *(key for block in BLOCKS.values() for key in block)]
    assert [key.name for key in keys if f"`{key.name}`" not in page] == []
