"""Texts that a graph file states beside its network."""

import numpy as np
import onnx
import pytest
from graph_files import linear_graph
from onnx import helper

from irs_core.errors import CheckpointError
from irs_core.graphs.stated import named_in, stated


def with_metadata(path, **texts):
    """Write a network of digits whose file states these texts."""
    linear_graph(path, helper.make_node("Identity", ["x"], ["z"]))
    model = onnx.load(path)
    helper.set_model_props(model, texts)
    onnx.save(model, path)
    return path


def ir(path, inner):
    path.write_text(f"<net version='11'><layers/><edges/><rt_info>{inner}</rt_info></net>")
    return path


def test_the_texts_are_those_that_onnx_reads(tmp_path):
    texts = {"names": "{0: 'cat', 1: 'dög'}", "author": "", "long": "x" * 70_000}
    path = with_metadata(tmp_path / "net.onnx", **texts)
    assert dict(stated(path)) == texts
    assert {one.key: one.value for one in onnx.load(path).metadata_props} == texts


def test_a_file_without_texts_has_none(tmp_path):
    assert stated(linear_graph(tmp_path / "a.onnx", helper.make_node("Relu", ["x"], ["z"]))) == {}


def test_texts_of_an_ir_have_their_path_as_name(tmp_path):
    inner = (
        "<MO_version value='1'/><conversion_parameters><reverse_input_channels value='True'/>"
        "</conversion_parameters><model_info><labels value='cat dog'/></model_info>"
    )
    found = stated(ir(tmp_path / "net.xml", inner))
    assert found == {
        "MO_version": "1",
        "conversion_parameters/reverse_input_channels": "True",
        "model_info/labels": "cat dog",
    }
    assert named_in(found, "labels") == "cat dog"


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff" * 100, b"\x72\xff\xff\xff\x7f", b"\x72\x05ab", b"\x0b\x0c", b"\x70\x01\x79"],
)
def test_bytes_without_sense_state_nothing(tmp_path, content):
    (tmp_path / "net.onnx").write_bytes(content)
    assert stated(tmp_path / "net.onnx") == {}


def test_an_entry_that_claims_more_than_the_file_has_is_left_out(tmp_path):
    # Field 14, two bytes long, whose key claims 100.
    (tmp_path / "net.onnx").write_bytes(b"\x72\x02\x0a\x64" + b"x" * 200)
    assert stated(tmp_path / "net.onnx") == {}


def test_an_ir_that_is_damaged_states_nothing(tmp_path):
    (tmp_path / "net.xml").write_text("<net><rt_info>")
    assert stated(tmp_path / "net.xml") == {}
    (tmp_path / "net.xml").write_text("<!DOCTYPE net><net/>")
    assert stated(tmp_path / "net.xml") == {}


def test_too_much_is_refused(tmp_path):
    path = with_metadata(tmp_path / "net.onnx", **{str(one): "" for one in range(1001)})
    with pytest.raises(CheckpointError, match="at most 1000 entries"):
        stated(path)
    (tmp_path / "many.onnx").write_bytes(b"\x72\xff\xff\xff\x04" + bytes(0x9FFFFF))
    with pytest.raises(CheckpointError, match="entries of metadata in 8388608 bytes"):
        stated(tmp_path / "many.onnx")
    with pytest.raises(CheckpointError, match="cannot read"):
        stated(tmp_path / "missing.onnx")


def test_weights_are_passed_over(tmp_path):
    path = tmp_path / "net.onnx"
    linear_graph(path, helper.make_node("Add", ["x", "big"], ["z"]))
    model = onnx.load(path)
    big = onnx.numpy_helper.from_array(np.full((1, 8, 8), 14, np.float32), "big")
    model.graph.initializer.append(big)
    helper.set_model_props(model, {"names": "a,b"})
    onnx.save(model, path)
    assert stated(path) == {"names": "a,b"}
