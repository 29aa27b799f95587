import numpy as np
import pytest
from graph_files import export_onnx
from torch import nn

from irs_core.check import check_model
from irs_core.cli.main import main
from irs_core.data import load_dataset
from irs_core.graphs import file_compression
from irs_core.models import load_model
from irs_core.spec.compressions import HalfWeights
from irs_core.spec.study import DataSpec, ModelSpec

MODEL, DATA = ModelSpec("shipped:digits-0.50"), DataSpec(max=40)


def test_a_model_trained_under_the_noise_passes():
    report = check_model(MODEL, DATA, sigma=0.5, compressions=(HalfWeights("fp16"),), draws=10)
    base, half = report.rows
    assert report.warnings == ()
    assert base.agreement == 1
    assert half.agreement > 0.99
    assert base.digest == load_model(MODEL).digest
    dataset = load_dataset(DATA)
    module = load_model(MODEL).module
    import torch

    with torch.no_grad():
        scores = module(torch.from_numpy(dataset.images(slice(None))))
    assert base.clean == np.mean(scores.argmax(1).numpy() == dataset.labels)


def test_other_noise_than_in_training_is_told_with_the_drop():
    report = check_model(MODEL, DATA, sigma=3.0, draws=10)
    base = report.rows[0]
    assert base.clean - base.noisy > 0.3
    assert len(report.warnings) == 1
    assert f"from {base.clean:.1%} to {base.noisy:.1%}" in report.warnings[0]


def test_a_file_with_the_wrong_normalisation_is_told(tmp_path):
    # The original normalises; the exported file is its network alone.
    model = ModelSpec("shipped:digits-0.50", mean=(0.9,), std=(0.2,))
    inner = load_model(model).module.get_submodule("network")
    path = export_onnx(inner, (1, 8, 8), tmp_path / "inner.onnx")
    wrong = file_compression(f"file:{path}")
    report = check_model(model, DATA, sigma=0.25, compressions=(wrong,), draws=10)
    assert any("expects normalised images" in one for one in report.warnings)
    right = file_compression(f"file-normalized:{path}")
    report = check_model(model, DATA, sigma=0.25, compressions=(right,), draws=10)
    assert report.rows[1].agreement > 0.99


def test_a_file_of_another_network_is_told(tmp_path):
    other = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    path = export_onnx(other, (1, 8, 8), tmp_path / "other.onnx")
    wrong = file_compression(f"file:{path}")
    report = check_model(MODEL, DATA, sigma=0.5, compressions=(wrong,), draws=5)
    assert len(report.warnings) == 1
    assert "of noisy images get the original's answer" in report.warnings[0]


def test_the_command_prints_a_row_per_model(capsys):
    assert main(["models", "check", "shipped:digits-0.50", "--max", "10", "--sigma", "2"]) == 0
    printed = capsys.readouterr().out
    assert "digits_resnet, 10 classes, inputs 1x8x8" in printed
    assert load_model(MODEL).digest[:16] in printed
    assert "warning: Under noise sigma 2 the accuracy falls" in printed


@pytest.mark.parametrize("model", ["none.onnx", "none.xml", "none.pth"])
def test_a_missing_file_is_one_sentence(capsys, model):
    assert main(["models", "check", model]) == 2
    assert capsys.readouterr().err.strip().splitlines()[-1].startswith("error: cannot read")
