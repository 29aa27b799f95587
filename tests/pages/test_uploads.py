"""Files given to Streamlit's upload widget: kept, checked, certified, or refused in a sentence."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from app_pages import as_read, open_page
from denoisers import made, saved
from graph_files import export_onnx
from PIL import Image
from safetensors.torch import save
from synthetic import synthetic_spec, synthetic_study

from irs_core.actions.uploads import uploads
from irs_core.data import load_dataset
from irs_core.jobs import JobQueue
from irs_core.models import build, load_model
from irs_core.report import HEADER
from irs_core.run.study import run_study
from irs_core.spec.study import DataSpec, ModelSpec
from irs_core.store import Library

ARCH = "digits_resnet"


@pytest.fixture(autouse=True)
def nothing_is_listed(tmp_path, monkeypatch):
    """Only uploads can be read."""
    monkeypatch.delenv("IRS_MODEL_DIRS", raising=False)
    monkeypatch.setenv("IRS_DATA_DIRS", str(tmp_path / "listed"))


@pytest.fixture(scope="module")
def weights():
    """A safetensors file that names no architecture."""
    return save(build(ARCH, 10, seed=3).state_dict())


@pytest.fixture(scope="module")
def onnx(tmp_path_factory):
    network = load_model(ModelSpec("shipped:digits-0.50")).module
    return export_onnx(network, (1, 8, 8), tmp_path_factory.mktemp("onnx") / "net.onnx")


def npz(images, labels):
    content = io.BytesIO()
    np.savez(content, images=images, labels=labels)
    return content.getvalue()


def digits():
    """Twelve digits as 8-bit images."""
    data = load_dataset(DataSpec(max=12))
    return npz((data.pixels[:, 0].astype(int) * 255 // 16).astype(np.uint8), data.labels)


def upload(at, key, name, content):
    return at.file_uploader(key=f"{key}_upload").upload(name, content).run()


def shown(elements):
    return " ".join(as_read(one.value) for one in elements)


def test_weights_are_checked_once_their_architecture_is_named(store, weights):
    at = upload(open_page("models_and_data"), "check_weights", "mine.safetensors", weights)
    assert "names no architecture" in shown(at.error)
    at.selectbox(key="check_arch").set_value(ARCH).run()
    assert not at.error
    assert f"{ARCH}, 10 classes" in shown(at.success)
    assert "mine.safetensors" in shown(at.caption)


def test_an_onnx_file_is_run_on_uploaded_images(store, onnx):
    at = upload(open_page("models_and_data"), "check_weights", "net.onnx", onnx.read_bytes())
    digest = load_model(ModelSpec(str(onnx))).digest
    assert digest in shown(at.success)
    at.selectbox(key="check_model_kind").set_value("npz").run()
    upload(at, "check_model_root", "mine.npz", digits())
    at.button(key="check_run").click().run()
    assert not at.exception
    assert not at.error
    table = at.dataframe[-1].value
    assert table["digest"].tolist()[0] == digest[:16]
    assert float(table["clean accuracy"].tolist()[0].rstrip("%")) > 80


def test_uploaded_weights_are_certified_on_uploaded_images(store, weights, monkeypatch):
    monkeypatch.setattr("ui.shared.launch.ensure_worker", lambda root: True)
    at = open_page("certify")
    at.selectbox(key="form_model").set_value("own file")
    at.selectbox(key="form_kind").set_value("npz").run()
    at.selectbox(key="form_arch").set_value(ARCH)
    at.multiselect(key="form_kinds").set_value(["fp16"])
    for key, value in {"max": 4, "holdout": 0, "n0": 10, "n": 40, "steps": 1}.items():
        at.number_input(key=f"form_{key}").set_value(value)
    upload(at, "form_weights", "mine.safetensors", weights)
    upload(at, "form_root", "mine.npz", digits())
    assert not at.error
    at.button(key="start").click().run()
    (job,) = JobQueue(store).jobs()
    for path in (job.spec.model.weights, job.spec.data.root):
        assert Path(path).is_relative_to(store / "uploads")
    record = run_study(job.spec, Library(store, store / "none"), options=job.options)
    assert record.finished
    assert len(record.data.indices) == 4
    assert "mine.npz" in record.data.description


def test_an_uploaded_denoiser_stands_before_the_model_of_a_study(store, tmp_path, monkeypatch):
    monkeypatch.setattr("ui.shared.launch.ensure_worker", lambda root: True)
    content = Path(saved(tmp_path / "d.safetensors")).read_bytes()
    at = open_page("certify")
    at.selectbox(key="form_model").set_value("shipped:digits-clean")
    at.selectbox(key="form_denoiser").set_value("own file").run()
    upload(at, "form_denoiser_file", "mine.safetensors", content)
    assert not at.error
    assert "mine.safetensors" in shown(at.caption)
    at.button(key="start").click().run()
    (job,) = JobQueue(store).jobs()
    named = Path(job.spec.model.denoiser)
    assert named.read_bytes() == content
    (kept,) = uploads(store)
    assert named.parent.name == kept.name
    assert kept.used_by == (f"job {job.id}",)


def as_onnx(folder):
    network = made()
    return export_onnx(network, (1, 8, 8), folder / "d.onnx").read_bytes()


@pytest.mark.parametrize("name", ["d.onnx", "weights.safetensors", "broken.safetensors"])
def test_only_denoisers_are_kept_as_denoisers(store, tmp_path, weights, name):
    content = {"d.onnx": as_onnx(tmp_path), "weights.safetensors": weights}.get(name, b"broken")
    at = open_page("certify")
    at.selectbox(key="form_denoiser").set_value("own file").run()
    upload(at, "form_denoiser_file", name, content)
    assert not at.exception
    assert [one.files for one in uploads(store)] == ([(name,)] if name == "d.onnx" else [])
    assert ("denoiser" in shown(at.error)) == (name != "d.onnx")


def test_a_data_set_is_described(store):
    at = open_page("models_and_data")
    at.selectbox(key="check_kind").set_value("npz").run()
    upload(at, "check_root", "mine.npz", digits())
    assert "12 images, 10 classes" in shown(at.success)


class Payload:
    """Writes a file if it is ever unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return (open, (str(self.marker), "w"))


def refused(at, store):
    """The one sentence with which an upload was refused; nothing of it is kept."""
    assert not at.exception
    assert not at.success
    (error,) = at.error
    assert "\n" not in error.value
    assert not list(store.glob("uploads/*"))
    assert not list(store.glob("incoming/*"))
    return as_read(error.value)


def test_a_pickle_is_refused_and_not_run(store, tmp_path):
    content = io.BytesIO()
    torch.save({"state_dict": Payload(tmp_path / "ran")}, content)
    at = upload(open_page("models_and_data"), "check_weights", "bad.pt", content.getvalue())
    assert "never loaded" in refused(at, store)
    assert not (tmp_path / "ran").exists()


def test_arrays_of_objects_are_refused_and_not_run(store, tmp_path):
    at = open_page("models_and_data")
    at.selectbox(key="check_kind").set_value("npz").run()
    images = np.array([Payload(tmp_path / "ran")], dtype=object)
    upload(at, "check_root", "bad.npz", npz(images, np.zeros(1, int)))
    assert "plain arrays" in refused(at, store)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("page", ["models_and_data", "certify"])
def test_data_outside_the_listed_folders_are_not_even_looked_at(store, tmp_path, page):
    (tmp_path / "mine.npz").write_bytes(digits())
    at = open_page(page)
    key = "form" if page == "certify" else "check"
    at.selectbox(key=f"{key}_kind").set_value("npz").run()
    at.text_input(key=f"{key}_root").set_value(str(tmp_path / "mine.npz")).run()
    assert "IRS_DATA_DIRS" in refused(at, store)


def test_a_bundle_from_elsewhere_is_imported_or_refused(store, tmp_path):
    own = Library(tmp_path / "own", tmp_path / "none")
    record = synthetic_study(own, synthetic_spec(n=600, n_p=(50,)))
    own.export(record.id, tmp_path / "s.irs.zip")
    content = (tmp_path / "s.irs.zip").read_bytes()
    synthetic_study(Library(store), synthetic_spec(n=700, n_p=(60,)))
    at = open_page("share")
    at.file_uploader(key="upload").upload("s.irs.zip", content[:-50]).run()
    assert "not a readable bundle" in shown(at.error)
    assert not list(store.glob("bundles/*"))
    at = open_page("share")
    at.file_uploader(key="upload").upload("s.irs.zip", content).run()
    assert not at.exception
    assert record.id in shown(at.success)
    assert [one.name for one in store.glob("bundles/*")] == [f"{record.id}.irs.zip"]
    at.run()
    assert record.id in shown(at.success)


def test_results_of_others_are_shown_or_refused(store):
    synthetic_study(Library(store))
    at = open_page("share")
    at.file_uploader(key="upload_tsv").upload("mine.tsv", b"no results").run()
    assert "must begin with the columns" in shown(at.error)
    at = open_page("share")
    rows = f"{HEADER}\n0\t1\t1\t0.5\t1\t1.5\n".encode()
    at.file_uploader(key="upload_tsv").upload("mine.tsv", rows).run()
    assert not at.error
    assert at.dataframe[-1].value["ACR"].tolist() == ["0.5000"]


def test_output_colours_and_classes_of_own_files_reach_the_study(
    store, onnx, tmp_path, monkeypatch
):
    monkeypatch.setattr("ui.shared.launch.ensure_worker", lambda root: True)
    monkeypatch.setenv("IRS_DATA_DIRS", str(tmp_path))
    monkeypatch.setenv("IRS_MODEL_DIRS", str(tmp_path))
    names = [f"c{number}" for number in range(10)]
    (tmp_path / "list.txt").write_text("\n".join(names))
    for name in names:
        (tmp_path / "test" / name).mkdir(parents=True)
        Image.new("RGB", (8, 8), "grey").save(tmp_path / "test" / name / "a.png")
    at = open_page("certify")
    at.selectbox(key="form_model").set_value("own file")
    at.selectbox(key="form_kind").set_value("image-folder").run()
    at.number_input(key="form_holdout").set_value(0)
    upload(at, "form_weights", "net.onnx", onnx.read_bytes())
    at.text_input(key="form_output").set_value("scores")
    at.text_input(key="form_root").set_value(str(tmp_path))
    at.selectbox(key="form_channels").set_value("make them grey")
    at.text_input(key="form_classes").set_value("/etc/hosts").run()
    assert "/etc/hosts" in shown(at.error)
    at.text_input(key="form_classes").set_value(str(tmp_path / "list.txt")).run()
    assert shown(at.error) == ""
    at.button(key="start").click().run()
    (job,) = JobQueue(store).jobs()
    assert (job.spec.model.output, job.spec.data.channels) == ("scores", 1)
    assert job.spec.data.class_list == str(tmp_path / "list.txt")
