"""What an OpenVINO IR says about the order of its channels."""

import pytest
from graph_files import export_onnx, save_ir
from torch import nn

from irs_core.graphs import read_graph
from irs_core.graphs.order_said import NOTHING_SAID, order_said

READER = "model_info/reverse_input_channels"
CONVERTER = "conversion_parameters/reverse_input_channels"


@pytest.mark.parametrize(
    ("texts", "words", "is_open"),
    [
        ({READER: "True"}, "it takes red, green, blue", False),
        ({READER: "YES", CONVERTER: "True"}, "it takes red, green, blue", False),
        ({READER: "False"}, "readers do not reverse channels", True),
        ({CONVERTER: "True"}, "converted with reverse_input_channels", True),
        ({"cli_parameters/reverse_input_channels": "true"}, "was converted with", True),
    ],
)
def test_two_tools_write_it_for_two_things(texts, words, is_open):
    found = order_said(texts)
    assert words in found.note
    assert found.open == is_open


@pytest.mark.parametrize("texts", [{}, {CONVERTER: "False"}, {READER: "perhaps"}, {READER: ""}])
def test_nothing_said_leaves_nothing_open(texts):
    assert order_said(texts) == NOTHING_SAID


def test_it_is_read_from_a_file_that_openvino_writes(tmp_path):
    import openvino as ov

    module = nn.Sequential(nn.Flatten(), nn.Linear(48, 5))
    path = save_ir(export_onnx(module, (3, 4, 4), tmp_path / "a.onnx"), tmp_path / "a.xml")
    assert read_graph(path).facts.order_said == NOTHING_SAID
    model = ov.Core().read_model(path)
    model.set_rt_info(False, ["model_info", "reverse_input_channels"])
    model.set_rt_info("cat dog", ["model_info", "labels"])
    ov.save_model(model, tmp_path / "b.xml")
    assert read_graph(tmp_path / "b.xml").facts.order_said.open
