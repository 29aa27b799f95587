"""From a file to certificates by command line, notebook interface and page, with equal digests."""

import numpy as np
import pytest
import torch
from app_pages import open_page
from graph_files import export_onnx, noisy, quantise_onnx
from PIL import Image
from torch import nn
from torchvision.models import resnet18

from irs_core import api
from irs_core.cli.main import main
from irs_core.jobs import JobQueue
from irs_core.models import NormalizeLayer, build
from irs_core.models.registry import CIFAR_MEAN, CIFAR_STD
from irs_core.run.study import run_study
from irs_core.store import Library

SHAPE, CLASSES = (3, 32, 32), 3
NUMBERS = {"sigma": 0.25, "n0": 10, "n": 40, "n_p": [20]}
CASES = ("resnet18", "cohen", "fp32 onnx", "int8 onnx")


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """An image folder of three classes."""
    root = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    for name in ("cat", "dog", "owl"):
        place = root / "test" / name
        place.mkdir(parents=True)
        for number in range(2):
            pixels = rng.integers(0, 256, (40, 36, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(place / f"{number}.png")
    return root


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Per case: the original's file, its architecture, and the compressed models."""
    place = tmp_path_factory.mktemp("files")
    torch.manual_seed(0)
    torch.save(resnet18(num_classes=CLASSES).state_dict(), place / "resnet18.pth")
    network = build("cifar_resnet8", CLASSES, seed=2).eval()
    state = {f"1.module.{name}": value for name, value in network.state_dict().items()}
    torch.save(
        {"epoch": 89, "arch": "cifar_resnet8", "state_dict": state, "optimizer": {"lr": 0.1}},
        place / "checkpoint.pth.tar",
    )
    whole = nn.Sequential(NormalizeLayer(CIFAR_MEAN, CIFAR_STD), network)
    plain = export_onnx(whole, SHAPE, place / "plain.onnx")
    int8 = quantise_onnx(plain, place / "int8.onnx", noisy(SHAPE, 48, 0.25))
    return {
        "resnet18": (place / "resnet18.pth", "torchvision:resnet18", "fp16"),
        "cohen": (place / "checkpoint.pth.tar", None, f"file:{int8}"),
        "fp32 onnx": (plain, None, f"file:{int8}"),
        "int8 onnx": (int8, None, f"file:{plain}"),
    }


def by_command(store, images, weights, arch, compression):
    arguments = ["certify", "--store", store, "--model", weights, "--data", "image-folder"]
    arguments += ["--root", images, "--size", 32, "--sigma", 0.25, "--n0", 10, "--n", 40]
    arguments += ["--np", 20, "--compress", compression]
    arguments += [] if arch is None else ["--arch", arch]
    assert main([str(one) for one in arguments]) == 0
    (study,) = Library(store, store / "none").studies()
    return study.record


def by_notebook(store, images, weights, arch, compression):
    model = api.load(weights, arch=arch, data="image-folder", root=images, size=32)
    return api.certify(model, [compression], store=store, **NUMBERS).record


def by_page(store, images, weights, arch, compression, monkeypatch):
    monkeypatch.setenv("IRS_STORE", str(store))
    monkeypatch.setenv("IRS_MODEL_DIRS", str(weights.parent))
    monkeypatch.setenv("IRS_DATA_DIRS", str(images))
    monkeypatch.setattr("ui.shared.launch.ensure_worker", lambda root: True)
    at = open_page("certify")
    at.selectbox(key="form_model").set_value("own file")
    at.selectbox(key="form_kind").set_value("image-folder").run()
    at.text_input(key="form_weights").set_value(str(weights))
    if arch is not None:
        at.selectbox(key="form_arch").set_value(arch)
    at.text_input(key="form_root").set_value(str(images))
    own = compression.startswith("file:")
    at.multiselect(key="form_kinds").set_value([] if own else [compression])
    if own:
        at.text_input(key="form_compressed").set_value(compression.removeprefix("file:"))
    values = {"form_size": 32, "form_holdout": 0, "form_n0": 10, "form_n": 40, "form_steps": 1}
    for key, value in values.items():
        at.number_input(key=key).set_value(value)
    at.number_input(key="form_sigma_own file").set_value(0.25)
    at.slider(key="form_shares").set_value((50, 50)).run()
    assert not [one.value for one in at.error]
    at.button(key="start").click().run()
    (job,) = JobQueue(store).jobs()
    # As the job's own process does; that it does so is the matter of tests/jobs.
    return run_study(job.spec, Library(store, store / "none"), options=job.options)


@pytest.mark.parametrize("case", CASES)
def test_three_ways_to_the_same_certificates(case, files, images, tmp_path, monkeypatch):
    weights, arch, compression = files[case]
    command = by_command(tmp_path / "a", images, weights, arch, compression)
    notebook = by_notebook(tmp_path / "b", images, weights, arch, compression)
    page = by_page(tmp_path / "c", images, weights, arch, compression, monkeypatch)
    assert command.finished
    assert len(command.data.indices) == 6
    for other in (notebook, page):
        assert other.digests == command.digests
        assert [model.digest for model in other.models] == [m.digest for m in command.models]
        assert other.data.digest == command.data.digest
