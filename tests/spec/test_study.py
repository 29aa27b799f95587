import dataclasses
import json

import pytest
from synthetic import synthetic_spec

from irs_core.errors import SpecError, UnknownKeyError
from irs_core.run.options import RunOptions
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.compressions import LowRank, MagnitudePrune
from irs_core.spec.fields import stable_id
from irs_core.spec.study import DataSpec, ModelSpec, NoiseSpec, StudySpec
from irs_core.train.denoiser_spec import DenoiserSpec
from irs_core.train.spec import TrainSpec


@pytest.mark.parametrize(
    "text",
    [
        "int8",
        "int8-mixed:0.01",
        "fp16",
        "bf16",
        "fp16-compute",
        "bf16-compute",
        "int8-dynamic",
        "prune:0.05",
        "prune-layer:0.5",
        "lowrank:0.95",
    ],
)
def test_text_of_a_compression_reads_back(text):
    assert str(parse_compression(text)) == text


def test_every_number_reads_back_exactly_and_gives_its_own_study():
    near = (MagnitudePrune(0.5000001), MagnitudePrune(0.5000004), MagnitudePrune(1 / 3))
    assert tuple(parse_compression(str(one)) for one in near) == near
    assert len({synthetic_spec(compressions=(one,)).id for one in near}) == 3


@pytest.mark.parametrize("batch", [0, -1])
def test_batches_have_at_least_one_draw(batch):
    with pytest.raises(SpecError, match="batch must be at least 1"):
        RunOptions(batch=batch)


@pytest.mark.parametrize("text", ["int4", "", "fp16:0.5"])
def test_unknown_compressions_list_the_known_ones(text):
    with pytest.raises(UnknownKeyError, match="known: fp16"):
        parse_compression(text)


@pytest.mark.parametrize("text", ["small.onnx", "out/int8", "~/a.b.safetensors"])
def test_a_compressed_file_is_told_how_it_is_named(text):
    with pytest.raises(UnknownKeyError, match=f"named as file:{text}"):
        parse_compression(text)


@pytest.mark.parametrize(
    "text", ["prune", "prune:x", "prune:0", "prune:1", "prune:nan", "lowrank:0", "lowrank:1.5"]
)
def test_numbers_out_of_range_are_refused(text):
    with pytest.raises(SpecError, match=r"number|in \(0, 1"):
        parse_compression(text)


def test_titles_say_what_was_done():
    assert MagnitudePrune(0.2).title == "prune 20%"
    assert MagnitudePrune(0.2, "layer").title == "prune 20% per layer"
    assert LowRank(0.95).title == "low rank 95% energy"


def test_study_round_trips_through_its_description():
    spec = synthetic_spec(model=ModelSpec("x.pt", mean=(0.1, 0.2, 0.3), std=(1.0, 1.0, 1.0)))
    again = StudySpec.from_dict(spec.to_dict())
    assert again == spec
    assert again.id == spec.id


def test_id_ignores_the_name_and_nothing_else():
    spec = synthetic_spec()
    assert dataclasses.replace(spec, name="another").id == spec.id
    changes = {
        "n0": 99,
        "n": 2001,
        "n_p": (100,),
        "alpha": 0.002,
        "alpha_zeta": 0.002,
        "gamma": 0.98,
        "baseline": False,
        "methods": ("irs", "iss"),
        "decline": 0.1,
        "split_draws": 50,
        "bound": "joint",
        "looks": True,
        "convention": "two-sided",
        "compressions": (),
        "noise": NoiseSpec(0.5, seed=8),
        "model": ModelSpec("other"),
        "data": DataSpec(max=41),
    }
    fields = {field.name for field in dataclasses.fields(StudySpec)}
    fields -= {"name", "max_loss", "radii", "tolerance"}
    assert set(changes) == fields
    ids = {synthetic_spec(**{name: value}).id for name, value in changes.items()}
    assert len(ids | {spec.id}) == len(changes) + 1


def test_ids_are_the_same_on_every_machine():
    assert stable_id({"b": 1, "a": [1.5, "x"]}) == "27edd5497e48a293"


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"n0": 0}, "n0 and n must be at least 1; got n0=0"),
        ({"n_p": (100, 2001)}, r"in \[1, n=2000\]; got \(100, 2001\)"),
        ({"n_p": ()}, "at least one"),
        ({"n_p": (200, 100)}, "increasing"),
        ({"alpha": 0.0}, r"alpha must be in \(0, 1\); got 0.0"),
        ({"alpha_zeta": 1.0}, r"alpha_zeta must be in \(0, 1\); got 1.0"),
        ({"alpha": 0.6, "alpha_zeta": 0.6}, "below 1"),
        ({"bound": "both"}, "bound must be one of split, joint; got 'both'"),
        ({"split_draws": 2001}, r"split_draws must be in \[1, n=2000\]; got 2001"),
        ({"gamma": 0.5}, r"gamma must be in \(0.5, 1\]; got 0.5"),
        ({"gamma": float("nan")}, "gamma"),
        ({"compressions": (parse_compression("fp16"), parse_compression("fp16"))}, "once"),
    ],
)
def test_studies_out_of_range_are_refused(changes, rule):
    with pytest.raises(SpecError, match=rule):
        synthetic_spec(**changes)


@pytest.mark.parametrize("sigma", [0.0, -0.5, float("inf"), float("nan")])
def test_sigma_must_be_positive(sigma):
    with pytest.raises(SpecError, match="sigma must be"):
        NoiseSpec(sigma)


@pytest.mark.parametrize(
    "noise",
    [
        lambda sigma: NoiseSpec(sigma),
        lambda sigma: TrainSpec("digits_resnet", "x.safetensors", sigma=sigma),
        lambda sigma: DenoiserSpec("digits", "x.safetensors", (0.5, sigma)),
    ],
)
def test_sigma_on_the_scale_of_bytes_is_refused_with_what_was_meant(noise):
    noise(10.0)
    with pytest.raises(SpecError, match=r"got 64; 64 of 255 is 0\.251"):
        noise(64.0)


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "mnist"},
        {"kind": "cifar10"},
        {"start": -1},
        {"stride": 0},
        {"max": 0},
        {"holdout": -1},
        {"size": 0},
    ],
)
def test_data_out_of_range_are_refused(fields):
    with pytest.raises(SpecError, match="got"):
        DataSpec(**fields)


@pytest.mark.parametrize(
    "described", [{}, {"model": 3}, {**synthetic_spec().to_dict(), "extra": 1}]
)
def test_what_is_not_a_study_is_refused(described):
    with pytest.raises(SpecError, match="not a study description"):
        StudySpec.from_dict(described)


def test_studies_without_a_choice_of_methods_keep_their_ids():
    described = synthetic_spec().to_dict()
    assert not {"methods", "decline", "max_loss"} & set(described)
    assert StudySpec.from_dict(described) == synthetic_spec()


def test_methods_are_part_of_a_study():
    spec = synthetic_spec(methods=("irs", "cirs"), decline=0.1)
    assert spec.id != synthetic_spec().id
    assert StudySpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec
    loss = synthetic_spec(methods=("cirs",), n_p=(100,), max_loss=0.02)
    assert StudySpec.from_dict(loss.to_dict()) == loss


@pytest.mark.parametrize(
    "changes",
    [
        {"methods": ()},
        {"methods": ("cirs", "irs")},
        {"methods": ("rs",)},
        {"decline": 0.0},
        {"max_loss": 0.1},
        {"methods": ("cirs",), "max_loss": 0.1},
        {"methods": ("cirs",), "n_p": (100,), "max_loss": -0.1},
    ],
)
def test_impossible_methods_are_refused(changes):
    with pytest.raises(SpecError):
        synthetic_spec(**changes)


def test_radii_belong_to_seq_alone_and_enter_the_id():
    asked = synthetic_spec(methods=("seq",), radii=(0.25, 0.5))
    assert StudySpec.from_dict(asked.to_dict()) == asked
    others = [
        dataclasses.replace(asked, **changes)
        for changes in ({"radii": (0.25,)}, {"tolerance": 0.1}, {"methods": ("irs", "seq")})
    ]
    assert len({asked.id, *(one.id for one in others)}) == 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"methods": ("seq",)}, "needs one radius or more"),
        ({"radii": (0.5,)}, "needs one radius or more"),
        ({"methods": ("seq",), "radii": (0.5, 0.25)}, "increasing"),
        ({"methods": ("seq",), "radii": (0.0,)}, "positive"),
        ({"methods": ("seq",), "radii": (float("nan"),)}, "positive"),
        ({"methods": ("seq",), "radii": ("0.5",)}, "number"),
        ({"methods": ("seq",), "radii": (0.5,), "tolerance": 0.6}, "tolerance"),
        ({"methods": ("seq",), "radii": (0.5,), "tolerance": -0.1}, "tolerance"),
        ({"tolerance": 0.1}, "tolerance"),
    ],
)
def test_radii_and_tolerances_that_make_no_question(changes, message):
    with pytest.raises(SpecError, match=message):
        synthetic_spec(**changes)


def test_studies_without_radii_keep_their_ids():
    described = synthetic_spec().to_dict()
    assert not {"radii", "tolerance"} & set(described)


@pytest.mark.parametrize("name", ["x" * 201, "a\u202eb", "a\u200bb"])
def test_names_that_hide_something_or_do_not_end_are_refused(name):
    with pytest.raises(SpecError, match="200 letters and none that are not seen"):
        synthetic_spec(name=name)


def test_stored_studies_with_such_names_are_read_without_what_is_hidden():
    described = {**synthetic_spec().to_dict(), "name": "a\u202eb" + "x" * 300}
    found = StudySpec.from_dict(described)
    assert found.id == synthetic_spec().id
    assert found.name == "ab" + "x" * 197 + "…"


def test_the_usual_order_of_channels_leaves_no_trace():
    plain = synthetic_spec(model=ModelSpec("net.onnx"))
    turned = synthetic_spec(model=ModelSpec("net.onnx", channel_order="bgr"))
    assert "channel_order" not in plain.to_dict()["model"]
    assert plain.id != turned.id
    assert StudySpec.from_dict(turned.to_dict()) == turned
