import numpy as np
import onnx
import pytest
import torch
from graph_files import export_onnx, noisy, quantise_onnx, save_ir
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from irs_core.errors import CheckpointError, SpecError
from irs_core.graphs import file_compression, read_graph
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.compressions import FileModel

SHAPE = (3, 8, 8)


def network(classes: int = 4) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 5, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, classes)
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("graphs")
    plain = export_onnx(network(), SHAPE, place / "plain.onnx")
    quantise_onnx(plain, place / "int8.onnx", noisy(SHAPE, 64))
    save_ir(plain, place / "plain.xml")
    return place


@pytest.fixture
def model(folder):
    return onnx.load(folder / "plain.onnx")


@pytest.fixture
def write(tmp_path):
    def save(model, name="made.onnx"):
        (tmp_path / name).write_bytes(model.SerializeToString())
        return tmp_path / name

    return save


@pytest.mark.parametrize("name", ["plain.onnx", "int8.onnx", "plain.xml"])
def test_shapes_and_classes_are_read(folder, name):
    facts = read_graph(folder / name).facts
    assert (facts.batch, facts.input_shape, facts.num_classes) == (None, SHAPE, 4)
    assert facts.quantised == (name == "int8.onnx")
    assert facts.parameters >= sum(p.numel() for p in network().parameters())


def test_a_fixed_batch_is_read(tmp_path):
    path = export_onnx(network(), SHAPE, tmp_path / "one.onnx", batch=1)
    assert read_graph(path).facts.batch == 1


def test_digest_is_the_sha256_of_the_file(folder):
    import hashlib

    content = (folder / "plain.onnx").read_bytes()
    assert read_graph(folder / "plain.onnx").digest == hashlib.sha256(content).hexdigest()


def test_digest_of_an_ir_covers_its_constants(folder, tmp_path):
    content = bytearray((folder / "plain.bin").read_bytes())
    (tmp_path / "plain.xml").write_bytes((folder / "plain.xml").read_bytes())
    content[0] ^= 1
    (tmp_path / "plain.bin").write_bytes(content)
    assert read_graph(tmp_path / "plain.xml").digest != read_graph(folder / "plain.xml").digest


def external(model, folder, location="weights.data"):
    onnx.external_data_helper.convert_model_to_external_data(
        model, location=location, size_threshold=0
    )
    onnx.save(model, folder / "split.onnx")
    return folder / "split.onnx"


def test_weights_in_a_file_beside_it_are_brought_in(model, folder, tmp_path):
    path = external(model, tmp_path)
    found, whole = read_graph(path), read_graph(folder / "plain.onnx")
    assert found.facts == whole.facts
    before = found.digest
    data = bytearray((tmp_path / "weights.data").read_bytes())
    data[0] ^= 1
    (tmp_path / "weights.data").write_bytes(data)
    assert read_graph(path).digest != before


@pytest.mark.parametrize(
    "place", ["../secret", "/etc/passwd", "sub/../../secret", "..", "", "..\\secret"]
)
def test_weights_elsewhere_are_refused(model, tmp_path, write, place):
    (tmp_path.parent / "secret").write_bytes(b"x" * 10_000)
    tensor = model.graph.initializer[0]
    onnx.external_data_helper.set_external_data(tensor, location=place)
    tensor.ClearField("raw_data")
    with pytest.raises(CheckpointError, match="outside its folder"):
        read_graph(write(model))


def test_weights_in_a_folder_below_are_brought_in(model, folder, tmp_path):
    (tmp_path / "weights").mkdir()
    path = external(model, tmp_path, "weights/all.data")
    assert read_graph(path).facts == read_graph(folder / "plain.onnx").facts


def test_weights_in_a_linked_folder_are_refused(model, tmp_path, write):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "data").write_bytes(b"x" * 10_000)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    onnx.external_data_helper.set_external_data(model.graph.initializer[0], location="link/data")
    with pytest.raises(CheckpointError, match="behind a link"):
        read_graph(write(model))


def test_weights_behind_a_link_are_refused(model, tmp_path, write):
    (tmp_path / "secret").write_bytes(b"x" * 10_000)
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    onnx.external_data_helper.set_external_data(model.graph.initializer[0], location="link")
    with pytest.raises(CheckpointError, match="behind a link"):
        read_graph(write(model))


def test_weights_beyond_the_end_are_refused(model, tmp_path, write):
    (tmp_path / "data").write_bytes(b"x" * 10)
    onnx.external_data_helper.set_external_data(
        model.graph.initializer[0], location="data", offset=4, length=1 << 60
    )
    with pytest.raises(CheckpointError, match="beyond the end"):
        read_graph(write(model))


def test_nan_weights_are_refused(model, write):
    tensor = model.graph.initializer[0]
    values = numpy_helper.to_array(tensor).copy()
    values.flat[0] = np.nan
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    with pytest.raises(CheckpointError, match="NaN"):
        read_graph(write(model))


@pytest.mark.parametrize("dims", [[1 << 40], [1 << 31, 1 << 31, 1 << 31], [-5]])
def test_gigantic_weights_are_refused(model, write, dims):
    del model.graph.initializer[0].dims[:]
    model.graph.initializer[0].dims.extend(dims)
    with pytest.raises(CheckpointError, match="at most 268435456 numbers"):
        read_graph(write(model))


def test_gigantic_inputs_are_refused(model, write):
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 1 << 40
    with pytest.raises(CheckpointError, match=r"numbers are allowed|do not fit"):
        read_graph(write(model))


def test_gigantic_values_inside_are_refused(write):
    size = numpy_helper.from_array(np.array([1 << 20, 1 << 20], np.int64), "size")
    image = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 8, 8])
    scores = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 4])
    nodes = [
        helper.make_node("ConstantOfShape", ["size"], ["big"]),
        helper.make_node("ReduceSum", ["big"], ["sum"]),
        helper.make_node("Flatten", ["x"], ["flat"]),
        helper.make_node("Add", ["flat", "sum"], ["y"]),
    ]
    graph = helper.make_graph(nodes, "g", [image], [scores], [size])
    with pytest.raises(CheckpointError, match="numbers are allowed"):
        read_graph(write(helper.make_model(graph)))


def test_a_tensor_must_have_the_bytes_of_its_shape(model, write):
    tensor = next(one for one in model.graph.initializer if len(one.raw_data) > 8)
    tensor.raw_data = tensor.raw_data[:-1]
    with pytest.raises(CheckpointError, match="is damaged"):
        read_graph(write(model))


def test_dynamic_quantisation_is_quantised(folder, tmp_path):
    from onnxruntime.quantization import quantize_dynamic

    quantize_dynamic(folder / "plain.onnx", tmp_path / "dynamic.onnx")
    assert read_graph(tmp_path / "dynamic.onnx").facts.quantised


@pytest.mark.parametrize(
    ("shape", "rule"),
    [(["n", 192], "one input"), (["n", 3, 8], "one input"), (["n", 3, 8, 8, 1], "one input")],
)
def test_the_input_must_be_images(write, shape, rule):
    image = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    scores = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph([helper.make_node("Flatten", ["x"], ["y"])], "g", [image], [scores])
    with pytest.raises(CheckpointError, match=rule):
        read_graph(write(helper.make_model(graph)))


def test_integer_images_are_refused(model, write):
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.INT32
    with pytest.raises(CheckpointError, match=r"floats \(16, 32 or 64 bits\)|do not fit"):
        read_graph(write(model))


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x08\x07", b"<net/>", b"\0" * 100])
@pytest.mark.parametrize("suffix", [".onnx", ".xml"])
def test_damaged_files_are_refused(tmp_path, content, suffix):
    path = tmp_path / f"bad{suffix}"
    path.write_bytes(content)
    path.with_suffix(".bin").write_bytes(b"\0" * 100)
    with pytest.raises(CheckpointError, match="bad"):
        read_graph(path)


def test_entities_in_an_ir_are_refused(folder, tmp_path):
    text = (folder / "plain.xml").read_bytes()
    bomb = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "cccc">]>'
    (tmp_path / "bomb.xml").write_bytes(bomb + text.split(b"?>", 1)[-1])
    (tmp_path / "bomb.bin").write_bytes((folder / "plain.bin").read_bytes())
    with pytest.raises(CheckpointError, match="document type"):
        read_graph(tmp_path / "bomb.xml")


def test_an_ir_without_all_its_constants_is_refused(folder, tmp_path):
    (tmp_path / "cut.xml").write_bytes((folder / "plain.xml").read_bytes())
    (tmp_path / "cut.bin").write_bytes((folder / "plain.bin").read_bytes()[:-20])
    with pytest.raises(CheckpointError, match="beyond the end"):
        read_graph(tmp_path / "cut.xml")


def test_an_ir_needs_its_constants(folder, tmp_path):
    (tmp_path / "alone.xml").write_bytes((folder / "plain.xml").read_bytes())
    with pytest.raises(CheckpointError, match=r"alone\.bin.*No such file"):
        read_graph(tmp_path / "alone.xml")


def test_names_with_control_characters_are_refused(tmp_path):
    with pytest.raises(CheckpointError, match="control characters"):
        read_graph(tmp_path / "a\x1b[31m.onnx")


def test_a_text_becomes_a_description_with_the_digest(folder):
    path = folder / "int8.onnx"
    found = file_compression(f"file:{path}")
    assert found == FileModel(str(path), read_graph(path).digest[:16])
    assert parse_compression(str(found)) == found
    normalised = file_compression(f"file-normalized:{path}")
    assert normalised is not None
    assert parse_compression(str(normalised)) == normalised
    assert normalised.identity != found.identity
    assert file_compression(str(found)) is None
    assert file_compression("prune:0.1") is None


@pytest.mark.parametrize("text", ["file:a.onnx", "file:a.onnx#12", "file:#0123456789abcdef"])
def test_parsing_reads_no_file_and_needs_the_digest(text):
    with pytest.raises(SpecError):
        parse_compression(text)
