import json
import shutil

import numpy as np
import onnx
import pytest
from denoisers import saved
from graph_files import export_onnx
from torch import nn

from irs_core.check import check_model
from irs_core.cli.main import main
from irs_core.data import load_dataset
from irs_core.graphs import file_compression
from irs_core.models import load_model
from irs_core.spec.compressions import HalfWeights, IntegerOnly
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
    assert [one.split()[0] for one in report.warnings] == ["Under"]
    assert [one.split()[0] for one in report.offers] == ["A", "Fine-tuning", "A"]
    assert f"from {base.clean:.1%} to {base.noisy:.1%}" in report.warnings[0]


def test_a_file_with_the_wrong_normalisation_is_told(tmp_path):
    # The original normalises; the exported file is its network alone.
    model = ModelSpec("shipped:digits-0.50", mean=(0.9,), std=(0.2,))
    inner = load_model(model).module.get_submodule("network")
    path = export_onnx(inner, (1, 8, 8), tmp_path / "inner.onnx")
    wrong = file_compression(f"file:{path}")
    report = check_model(model, DATA, sigma=0.25, compressions=(wrong,), draws=10)
    assert any(
        "behind the original's normalisation, it agrees on" in one for one in report.warnings
    )
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


def numbers(folder, names, *, transform=lambda values: values, count=12):
    """Digits as PNG in class folders: the first of each class."""
    from PIL import Image

    data = load_dataset(DataSpec(split="train", max=600))
    for digit, name in enumerate(names):
        (folder / name).mkdir(parents=True)
        for row in np.flatnonzero(data.labels == digit)[:count]:
            values = np.rint(data.images([row])[0, 0] * 255).astype(np.uint8)
            Image.fromarray(transform(values)).save(folder / name / f"{row}.png")
    return ["--data", "image-folder", "--root", str(folder), "--split", ""]


def state_names(path, names):
    """Write names of classes into an ONNX file, as exporters do."""
    model = onnx.load(path)
    onnx.helper.set_model_props(model, {"names": str(names)})
    onnx.save(model, path)


def report_of(capsys, *words, model="shipped:digits-0.50"):
    assert main(["models", "check", str(model), "--json", *words]) == 0
    return json.loads(capsys.readouterr().out)


def test_numbered_folders_are_read_in_the_models_order(tmp_path, capsys):
    found = report_of(capsys, *numbers(tmp_path, [str(one) for one in range(1, 11)]))
    assert found["rows"][0]["clean"] > 0.9
    assert found["flags"] == []
    assert found["notes"] == ["class folders in the order of their numbers"]


def test_classes_in_another_order_cannot_be_missed(tmp_path, capsys):
    names = ["b", "a", "d", "c", "f", "e", "h", "g", "j", "i"]
    data = numbers(tmp_path / "data", names)
    found = report_of(capsys, *data)
    assert found["rows"][0]["clean"] < 0.1
    assert {one["code"] for one in found["flags"]} == {"accuracy-below-chance", "labels-permuted"}
    (tmp_path / "order.txt").write_text("\n".join(names))
    cured = report_of(capsys, *data, "--classes", str(tmp_path / "order.txt"))
    assert cured["rows"][0]["clean"] > 0.9
    assert cured["flags"] == []


def test_a_missing_class_needs_a_list(tmp_path, capsys):
    names = [f"digit {one}" for one in range(10)]
    data = numbers(tmp_path / "data", names)
    shutil.rmtree(tmp_path / "data" / "digit 4")
    assert main(["models", "check", "shipped:digits-0.50", *data]) == 2
    assert "the model has 10 classes; the data have 9: name" in capsys.readouterr().err
    (tmp_path / "list").write_text("\n".join(names))
    assert report_of(capsys, *data, "--classes", str(tmp_path / "list"))["rows"][0]["clean"] > 0.9


def test_a_list_beside_the_model_numbers_the_classes(tmp_path, capsys):
    names = ["b", "a", "d", "c", "f", "e", "h", "g", "j", "i"]
    data = numbers(tmp_path / "data", names)
    (tmp_path / "net").mkdir()
    path = export_onnx(load_model(MODEL).module, (1, 8, 8), tmp_path / "net" / "net.onnx")
    (tmp_path / "net" / "labels.txt").write_text("\n".join(names))
    assert main(["models", "check", str(path), "--json", *data]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["rows"][0]["clean"] > 0.9
    assert found["notes"] == ["classes numbered by labels.txt"]


def test_names_in_the_models_file_number_the_classes(tmp_path, capsys):
    names = ["b", "a", "d", "c", "f", "e", "h", "g", "j", "i"]
    data = numbers(tmp_path / "data", names)
    path = export_onnx(load_model(MODEL).module, (1, 8, 8), tmp_path / "net.onnx")
    state_names(path, dict(enumerate(names)))
    found = report_of(capsys, *data, model=path)
    assert found["rows"][0]["clean"] > 0.9
    assert found["flags"] == []
    assert found["notes"] == ["classes numbered by the metadata of net.onnx"]
    assert found["spec"]["class_list"] == str(path)
    shutil.rmtree(tmp_path / "data" / "d")
    assert report_of(capsys, *data, model=path)["rows"][0]["clean"] > 0.9


def test_names_of_another_number_of_classes_are_refused(tmp_path, capsys):
    names = ["b", "a", "d", "c", "f", "e", "h", "g", "j", "i"]
    data = numbers(tmp_path / "data", names)
    path = export_onnx(load_model(MODEL).module, (1, 8, 8), tmp_path / "net.onnx")
    state_names(path, [*names, "k"])
    assert main(["models", "check", str(path), *data]) == 2
    said = capsys.readouterr().err
    assert "the model has 10 classes; net.onnx names 11: name the model's classes in" in said


def test_images_in_another_range_are_found_by_trying(tmp_path, capsys):
    class Expects255(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = load_model(MODEL).module

        def forward(self, images):
            return self.inner(images / 255)

    path = export_onnx(Expects255(), (1, 8, 8), tmp_path / "net.onnx")
    words = ["models", "check", str(path), "--max", "60", "--json"]
    assert main(words) == 0
    found = json.loads(capsys.readouterr().out)
    flags = {one["code"]: one["sentence"] for one in found["flags"]}
    assert "pixels in [0, 255] (--mean 0 --std 0.00392157)" in flags["normalisation-fits-worse"]
    assert main([*words, "--mean", "0", "--std", "0.00392157"]) == 0
    cured = json.loads(capsys.readouterr().out)
    assert cured["rows"][0]["clean"] > 0.9
    assert cured["flags"] == []
    assert cured["sees"].endswith("the network gets 0 to 255 after normalisation")


def test_grey_images_fit_a_model_of_colours(tmp_path, capsys):
    class Colours(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = load_model(MODEL).module

        def forward(self, images):
            return self.inner(images.mean(dim=1, keepdim=True))

    path = export_onnx(Colours(), (3, 8, 8), tmp_path / "net.onnx")
    words = ["--max", "20", "--sigma", "0.25"]
    assert main(["models", "check", str(path), "--json", *words]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["spec"]["channels"] == 3
    assert found["notes"] == ["grey repeated in 3 channels, in which radii are measured"]
    assert found["rows"][0]["clean"] > 0.9
    store = ["--store", str(tmp_path / "store"), "--n", "100", "--n0", "10", "--np", "50"]
    command = ["certify", "--model", str(path), "--compress", "--max", "4", *words[2:], *store]
    assert main(command) == 0
    said = capsys.readouterr()
    assert "handwritten digits 8x8, test split; grey repeated in 3 channels" in said.out
    assert "note: the model takes 3 channels; the images have 1: --channels 3 repeats" in said.err


def test_deep_images_answer_as_they_should(tmp_path, capsys):
    def deep(values):
        return values.astype(np.uint16) * 257

    found = report_of(capsys, *numbers(tmp_path, [str(one) for one in range(10)], transform=deep))
    assert found["rows"][0]["clean"] > 0.9
    assert found["notes"] == ["16-bit pixels scaled by 1/65535"]


def test_certify_has_the_same_dry_run(capsys, tmp_path):
    words = ["certify", "--dry-run", "--json", "--max", "10", "--batch", "7", "--compress", "fp16"]
    assert main([*words, "--store", str(tmp_path / "store")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in found["rows"]] == ["base", "fp16"]
    kept = {one.name for one in (tmp_path / "store").glob("*")}
    assert kept <= {"prepared"}, "a dry run keeps no result"


def test_what_is_done_around_a_file_is_said(tmp_path, capsys):
    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = load_model(MODEL).module

        def forward(self, images):
            return self.inner(images.permute(0, 3, 1, 2))[:, :, None, None]

    path = export_onnx(Last(), (8, 8, 1), tmp_path / "net.onnx")
    assert main(["models", "check", str(path), "--max", "10"]) == 0
    printed = capsys.readouterr().out
    assert "note: images transposed to (N, height, width, channels)" in printed
    assert "pixels 0 to 1, mean" in printed


def colours(tmp_path):
    """A digits network of the blue channel alone, which comes first; images whose digit is blue."""

    class First(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = load_model(MODEL).module

        def forward(self, images):
            return self.inner(images[:, :1])

    def blue(values):
        return np.stack([255 - values, np.zeros_like(values), values], axis=-1)

    path = export_onnx(First(), (3, 8, 8), tmp_path / "net.onnx")
    return path, numbers(tmp_path / "data", [str(one) for one in range(10)], transform=blue)


def test_channels_in_the_other_order_are_found_by_trying(tmp_path, capsys):
    path, data = colours(tmp_path)
    found = report_of(capsys, *data, model=path)
    assert found["rows"][0]["clean"] < 0.5
    flags = {one["code"]: one["sentence"] for one in found["flags"]}
    assert "channels reversed (--channel-order bgr)" in flags["channel-order-fits-worse"]
    cured = report_of(capsys, *data, "--channel-order", "bgr", model=path)
    assert cured["rows"][0]["clean"] > 0.9
    assert cured["flags"] == []
    assert "channels reversed to blue, green, red" in cured["notes"]


def test_order_and_range_together_are_found_by_trying(tmp_path, capsys):
    class Expects255(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = load_model(MODEL).module

        def forward(self, images):
            return self.inner(images[:, :1] / 255)

    _, data = colours(tmp_path)
    path = export_onnx(Expects255(), (3, 8, 8), tmp_path / "both.onnx")
    found = report_of(capsys, *data, model=path)
    flags = {one["code"]: one["sentence"] for one in found["flags"]}
    said = flags["normalisation-fits-worse"]
    assert "pixels in [0, 255], channels reversed (--mean 0 0 0 --std 0.00392157" in said
    assert "0.00392157 --channel-order bgr)" in said
    words = ["--mean", *"000", "--std", *["0.00392157"] * 3, "--channel-order", "bgr"]
    assert report_of(capsys, *data, *words, model=path)["rows"][0]["clean"] > 0.9


def test_an_order_that_the_file_leaves_open_is_measured_both_ways(tmp_path, capsys):
    import openvino as ov

    path, data = colours(tmp_path)
    model = ov.convert_model(path)
    model.set_rt_info(True, ["conversion_parameters", "reverse_input_channels"])
    ov.save_model(model, tmp_path / "net.xml")
    words = [*data, "--channel-order", "bgr"]
    found = report_of(capsys, *words, model=tmp_path / "net.xml")
    right = round(found["rows"][0]["clean"] * 100)
    (said,) = [one for one in found["notes"] if "converted with" in one]
    assert f"{right} of 100 images are right as they are" in said
    assert said.endswith("with the channels reversed (--channel-order rgb)")
    assert found["flags"] == []


def test_a_denoiser_that_spoils_clean_images_is_said_to(tmp_path):
    model = ModelSpec("shipped:digits-clean", denoiser=saved(tmp_path / "d.safetensors"))
    report = check_model(model, DATA, sigma=0.25, draws=5)
    alone = check_model(ModelSpec("shipped:digits-clean"), DATA, sigma=0.25, draws=5).rows[0]
    (said,) = [one for one in report.warnings if one.startswith("Behind the denoiser")]
    assert f"from {alone.clean:.1%} to {report.rows[0].clean:.1%}" in said
    good = ModelSpec("shipped:digits-clean", denoiser="shipped:digits-0.25")
    assert not check_model(good, DATA, sigma=0.25, draws=5).warnings


def test_images_held_out_set_the_ranges_of_a_dry_run_as_those_of_the_study(tmp_path):
    digits = load_dataset(DataSpec(max=60))
    images = digits.pixels.transpose(0, 2, 3, 1) * np.uint8(15)
    np.savez(tmp_path / "a.npz", x_test=images, y_test=digits.labels)
    data = DataSpec("npz", str(tmp_path / "a.npz"), max=40, holdout=10)
    made = (IntegerOnly(8),)
    report = check_model(MODEL, data, sigma=0.5, compressions=made, draws=5, most=5)
    whole = check_model(MODEL, data, sigma=0.5, compressions=made, draws=5)
    assert report.data.endswith("15 images")
    assert report.rows[1].digest == whole.rows[1].digest
