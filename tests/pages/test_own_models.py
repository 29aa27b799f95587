"""A file of one's own on the pages: below a listed folder only, digest shown, then in the queue."""

import numpy as np
import onnx
import pytest
import torch
from app_pages import as_read, open_page
from graph_files import export_onnx, noisy, quantise_onnx
from PIL import Image

from irs_core.data import load_dataset
from irs_core.foreign.answers import DryRun, Ways
from irs_core.graphs import read_graph
from irs_core.jobs import JobQueue
from irs_core.models import load_model
from irs_core.models.denoised import load_denoiser
from irs_core.models.denoiser_onnx import onnx_bytes
from irs_core.spec.study import DataSpec, ModelSpec
from ui.certify import ways_out
from ui.certify.clone import form_values


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("models")
    module = load_model(ModelSpec("shipped:digits-0.50")).module
    plain = export_onnx(module, (1, 8, 8), place / "plain.onnx")
    quantise_onnx(plain, place / "int8.onnx", noisy((1, 8, 8), 64))
    return place


def errors(at):
    return " ".join(as_read(one.value) for one in at.error)


def successes(at):
    return " ".join(as_read(one.value) for one in at.success)


def test_a_path_outside_the_listed_folders_is_refused(store, folder):
    at = open_page("models_and_data")
    at.text_input(key="check_weights").set_value(str(folder / "plain.onnx")).run()
    assert "IRS_MODEL_DIRS" in errors(at)
    assert not successes(at)


def test_a_listed_file_shows_its_digest_and_its_dry_run(store, folder, monkeypatch):
    monkeypatch.setenv("IRS_MODEL_DIRS", str(folder))
    at = open_page("models_and_data")
    at.text_input(key="check_weights").set_value(str(folder / "plain.onnx"))
    at.text_input(key="check_compressed").set_value(str(folder / "int8.onnx"))
    at.number_input(key="check_sigma").set_value(3.0).run()
    assert load_model(ModelSpec(str(folder / "plain.onnx"))).digest in successes(at)
    at.button(key="check_run").click().run()
    table = at.dataframe[-1].value
    assert table["model"].tolist()[0] == "original (fp32)"
    assert read_graph(folder / "int8.onnx").digest[:8] in table["model"].tolist()[1]
    assert any("accuracy falls from" in one.value for one in at.warning)


def test_a_study_of_own_files_is_queued_with_their_digest(store, folder, monkeypatch):
    monkeypatch.setenv("IRS_MODEL_DIRS", str(folder))
    monkeypatch.setattr("ui.shared.launch.ensure_worker", lambda root: True)
    at = open_page("certify")
    at.selectbox(key="form_model").set_value("own file").run()
    at.text_input(key="form_weights").set_value(str(folder / "plain.onnx"))
    at.text_input(key="form_compressed").set_value(str(folder / "int8.onnx"))
    at.multiselect(key="form_kinds").set_value([]).run()
    assert not errors(at)
    at.button(key="start").click().run()
    (job,) = JobQueue(store).jobs()
    (compression,) = job.spec.compressions
    assert compression.digest == read_graph(folder / "int8.onnx").digest[:16]
    assert job.spec.model.weights == str(folder / "plain.onnx")


def test_the_order_of_colours_is_part_of_the_study(store, tmp_path, monkeypatch):
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 3))
    path = export_onnx(module, (3, 8, 8), tmp_path / "net.onnx")
    np.savez(tmp_path / "a.npz", images=np.zeros((4, 8, 8, 3), np.uint8), labels=np.arange(4) % 3)
    monkeypatch.setenv("IRS_MODEL_DIRS", str(tmp_path))
    monkeypatch.setenv("IRS_DATA_DIRS", str(tmp_path))
    monkeypatch.setattr("ui.shared.launch.ensure_worker", lambda root: True)
    at = open_page("certify")
    at.selectbox(key="form_model").set_value("own file")
    at.selectbox(key="form_kind").set_value("npz").run()
    at.text_input(key="form_weights").set_value(str(path))
    at.selectbox(key="form_channel_order").set_value("bgr")
    at.text_input(key="form_root").set_value(str(tmp_path / "a.npz"))
    for key, value in (("form_max", 4), ("form_holdout", 0)):
        at.number_input(key=key).set_value(value)
    at.multiselect(key="form_kinds").set_value([]).run()
    assert not errors(at)
    at.button(key="start").click().run()
    (job,) = JobQueue(store).jobs()
    assert job.spec.model.channel_order == "bgr"
    assert form_values(job.spec)["form_channel_order"] == "bgr"


def test_names_in_the_file_number_the_classes_of_a_study(store, folder, tmp_path, monkeypatch):
    names = ["b", "a", "d", "c", "f", "e", "h", "g", "j", "i"]
    model = onnx.load(folder / "plain.onnx")
    onnx.helper.set_model_props(model, {"names": str(dict(enumerate(names)))})
    onnx.save(model, tmp_path / "named.onnx")
    for name in names:
        (tmp_path / "data" / "test" / name).mkdir(parents=True)
        Image.new("L", (8, 8)).save(tmp_path / "data" / "test" / name / "a.png")
    monkeypatch.setenv("IRS_MODEL_DIRS", str(tmp_path / "named.onnx"))
    monkeypatch.setenv("IRS_DATA_DIRS", str(tmp_path / "data"))
    monkeypatch.setattr("ui.shared.launch.ensure_worker", lambda root: True)
    at = open_page("certify")
    at.selectbox(key="form_model").set_value("own file")
    at.selectbox(key="form_kind").set_value("image-folder").run()
    at.text_input(key="form_weights").set_value(str(tmp_path / "named.onnx"))
    at.text_input(key="form_root").set_value(str(tmp_path / "data"))
    for key, value in (("form_max", 10), ("form_holdout", 0)):
        at.number_input(key=key).set_value(value)
    at.multiselect(key="form_kinds").set_value([]).run()
    assert not errors(at)
    at.button(key="start").click().run()
    (job,) = JobQueue(store).jobs()
    assert job.spec.data.class_list == str(tmp_path / "named.onnx")
    data = load_dataset(job.spec.data)
    assert (data.classes, data.labels.tolist()) == (
        tuple(names),
        [1, 0, 3, 2, 5, 4, 7, 6, 9, 8],
    )


def test_a_study_of_a_file_elsewhere_is_not_queued(store, folder):
    at = open_page("certify")
    at.text_input(key="form_compressed").set_value(str(folder / "int8.onnx")).run()
    assert "IRS_MODEL_DIRS" in errors(at)
    assert not JobQueue(store).jobs()


def tried(page, model):
    """A page after a dry run of a model."""
    at = open_page(page)
    if page == "certify":
        at.selectbox(key="form_model").set_value(model).run()
        at.number_input(key=f"form_sigma_{model}").set_value(0.5).run()
    else:
        at.text_input(key="check_weights").set_value(model).run()
    at.button(key="check_run").click().run()
    assert not errors(at)
    return at


def test_ways_out_are_offered_below_any_dry_run(store):
    at = tried("models_and_data", "shipped:digits-clean")
    said = " ".join(one.value for one in at.markdown)
    assert "Not trained under this noise" in said
    assert all(f"- {label}." in said for label in ("Train a denoiser", "Fine-tune the model"))
    assert "ways_run" in {one.key for one in at.button}


def test_both_ways_out_are_offered_with_time_and_accuracy_and_start_a_job(store, monkeypatch):
    monkeypatch.setattr("ui.shared.launch.ensure_worker", lambda root: True)
    at = tried("certify", "shipped:digits-clean")
    at.button(key="ways_run").click().run()
    assert not errors(at)
    table = at.dataframe[-1].value
    assert table["way"].tolist() == ["as it is", "denoised", "fine-tuned"]
    said = " ".join(one.value for one in at.caption)
    for label in ("Train a denoiser", "Fine-tune the model"):
        assert f"{label}: about" in said
        assert "expected to certify" in said
    at.button(key="train-denoised").click().run()
    (job,) = JobQueue(store).jobs()
    assert job.spec.title == "denoiser for shipped:digits-clean, sigma 0.5"
    assert [one.levels for one in job.spec.steps] == [2, 2]
    # 1,348 images to train on make few steps each time.
    assert [one.epochs for one in job.spec.steps] == [100, 100]
    assert job.spec.steps[1].against == "shipped:digits-clean"
    assert str(store / "uploads") in job.options.folders


@pytest.mark.parametrize("page", ["models_and_data", "certify"])
def test_a_model_that_bears_the_noise_needs_no_way_out(store, page):
    at = tried(page, "shipped:digits-0.50")
    assert "original (fp32)" in at.dataframe[-1].value["model"].tolist()
    assert "ways_run" not in {one.key for one in at.button}


def test_a_dry_run_before_the_start_is_of_the_form_as_it_stands(store):
    at = tried("certify", "shipped:digits-0.50")
    rows = at.dataframe[-1].value["model"].tolist()
    assert rows[0] == "original (fp32)"
    assert len(rows) == 4
    at.number_input(key="form_sigma_shipped:digits-0.50").set_value(0.25).run()
    assert not [one for one in at.dataframe if "agrees" in one.value.columns]
    at.number_input(key="form_sigma_shipped:digits-0.50").set_value(0.5).run()
    assert at.dataframe[-1].value["model"].tolist() == rows


def test_what_is_fine_tuned_is_the_classifier_alone(store, tmp_path):
    """Behind an ONNX denoiser the whole is one graph, which nobody could train."""
    (tmp_path / "d.onnx").write_bytes(onnx_bytes(load_denoiser("shipped:digits-0.50").network))
    model = ModelSpec("shipped:digits-clean", denoiser=str(tmp_path / "d.onnx"))
    assert load_model(model).arch == "onnx"
    ways, report = Ways((0.25,), (), 2, 1348), DryRun("", (), (), ("fine-tuned",))
    training = ways_out._training("fine-tuned", model, DataSpec(), 0.5, ways, report)
    bare = load_model(ModelSpec("shipped:digits-clean"))
    assert training.steps[0].arch == bare.arch
    assert training.size_bytes == bare.size_bytes
    assert training.model == ModelSpec("shipped:digits-clean")


def test_a_model_that_never_saw_noise_is_warned_of_unless_a_denoiser_is_in_front(store):
    at = open_page("certify")
    at.selectbox(key="form_model").set_value("shipped:digits-clean").run()
    assert any("never trained under noise" in one.value for one in at.warning)
    at.selectbox(key="form_denoiser").set_value("shipped:digits-0.50").run()
    assert not errors(at)
    assert not any("never trained under noise" in one.value for one in at.warning)
