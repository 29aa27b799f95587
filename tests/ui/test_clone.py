import pytest
from synthetic import synthetic_spec

from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.study import DataSpec, ModelSpec
from ui.certify.clone import CHANNELS, OWN_FILE, form_values


def test_every_part_of_a_study_reaches_the_form():
    spec = synthetic_spec(
        compressions=tuple(map(parse_compression, ("fp16", "prune:0.1", "prune:0.2"))), gamma=0.98
    )
    values = form_values(spec)
    assert values["form_model"] == "shipped:digits-0.50"
    assert values["form_sigma_shipped:digits-0.50"] == 0.5
    assert values["form_kinds"] == ["fp16", "prune"]
    assert values["form_ratios_prune"] == ["0.1", "0.2"]
    assert (values["form_n"], values["form_shares"], values["form_steps"]) == (2000, (5, 15), 3)
    assert (values["form_max"], values["form_holdout"], values["form_gamma"]) == (40, 20, 0.98)


def test_own_files_keep_their_path_and_architecture():
    spec = synthetic_spec(
        model=ModelSpec("/x/y.pt", arch="cifar_resnet20", output="scores"),
        data=DataSpec("image-folder", root="/x", size=32, channels=1, class_list="/x/c.txt"),
    )
    values = form_values(spec)
    assert values["form_model"] == OWN_FILE
    assert (values["form_weights"], values["form_arch"]) == ("/x/y.pt", "cifar_resnet20")
    assert (values["form_root"], values["form_size"]) == ("/x", 32)
    assert (values["form_output"], CHANNELS[values["form_channels"]]) == ("scores", 1)
    assert values["form_classes"] == "/x/c.txt"


@pytest.mark.parametrize(
    ("denoiser", "choice", "file"),
    [
        (None, "none", ""),
        ("shipped:digits-0.50", "shipped:digits-0.50", ""),
        ("/models/d.onnx", OWN_FILE, "/models/d.onnx"),
    ],
)
def test_a_denoiser_is_chosen_again(denoiser, choice, file):
    values = form_values(synthetic_spec(model=ModelSpec("shipped:digits-0.50", denoiser=denoiser)))
    assert (values["form_denoiser"], values["form_denoiser_file"]) == (choice, file)
