import json
import pickle

import pytest
import torch
from safetensors.torch import save_file

from irs_core.errors import CheckpointError, UnknownKeyError
from irs_core.models import NormalizeLayer, build, load_model
from irs_core.models.registry import CIFAR_MEAN, CIFAR_STD
from irs_core.spec.study import ModelSpec

ARCH = "cifar_resnet8"


@pytest.fixture(scope="module")
def network():
    return build(ARCH, 10, seed=3).eval()


@pytest.fixture
def save(tmp_path, network):
    """Writes a state dict, with changes, and gives the model specification."""

    def write(prefix="", wrap=True, arch=ARCH, extra=None, **changes):
        state = {f"{prefix}{name}": value for name, value in network.state_dict().items()}
        state.update(extra or {})
        state.update(changes)
        path = tmp_path / "weights.pth"
        content = {"epoch": 9, "arch": arch, "state_dict": state} if wrap else state
        torch.save(content, path)
        return ModelSpec(str(path), arch=None if wrap else arch)

    return write


def images():
    return torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("prefix", ["1.", "1.module.", "module.1.", "module.1.module."])
def test_cohen_files_get_the_normalisation_of_their_family(save, network, prefix):
    expected = network(NormalizeLayer(CIFAR_MEAN, CIFAR_STD)(images()))
    loaded = load_model(save(prefix))
    assert torch.equal(loaded.module(images()), expected)


@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_file_without_normalisation_gets_none(save, network, prefix):
    assert torch.equal(load_model(save(prefix)).module(images()), network(images()))


def test_a_bare_state_dict_needs_the_architecture_only(save):
    loaded = load_model(save(wrap=False))
    assert (loaded.arch, loaded.num_classes, loaded.input_shape) == (ARCH, 10, (3, 32, 32))


def test_stored_normalisation_is_used(save):
    stored = {"0.means": torch.tensor([0.5, 0.4, 0.3]), "0.sds": torch.full((3,), 0.25)}
    loaded = load_model(save("1.", extra=stored))
    assert loaded.mean == pytest.approx((0.5, 0.4, 0.3))
    assert loaded.std == (0.25, 0.25, 0.25)


def test_the_specification_overrides_the_file(save):
    spec = save("1.")
    loaded = load_model(ModelSpec(spec.weights, mean=(0.0,) * 3, std=(2.0,) * 3))
    assert loaded.std == (2.0, 2.0, 2.0)


def test_digest_is_that_of_the_weights_not_of_the_container(save, network, tmp_path):
    path = tmp_path / "same.safetensors"
    save_file(network.state_dict(), path, metadata={"arch": json.dumps(ARCH)})
    assert load_model(ModelSpec(str(path))).digest == load_model(save()).digest


def test_digest_changes_with_one_weight(save, network):
    bias = network.fc.bias.detach().clone()
    bias[0] += 1e-6
    assert load_model(save()).digest != load_model(save(**{"fc.bias": bias})).digest


def test_digest_changes_with_the_normalisation(save):
    assert load_model(save("1.")).digest != load_model(save()).digest


def test_counts(save, network):
    loaded = load_model(save())
    assert loaded.parameters == sum(p.numel() for p in network.parameters())
    assert loaded.size_bytes == sum(v.nbytes for v in network.state_dict().values())


def test_metadata_of_a_safetensors_file(network, tmp_path):
    path = tmp_path / "full.safetensors"
    metadata = {"arch": ARCH, "mean": [0.5] * 3, "std": [0.5] * 3, "input_shape": [3, 16, 16]}
    save_file(network.state_dict(), path, {k: json.dumps(v) for k, v in metadata.items()})
    loaded = load_model(ModelSpec(str(path)))
    assert (loaded.input_shape, loaded.mean) == ((3, 16, 16), (0.5, 0.5, 0.5))


class _Payload:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


def test_pickled_objects_are_refused_and_not_run(tmp_path):
    marker, path = tmp_path / "ran", tmp_path / "bad.pth"
    torch.save({"state_dict": _Payload(str(marker))}, path)
    with pytest.raises(CheckpointError, match="never loaded"):
        load_model(ModelSpec(str(path), arch=ARCH))
    assert not marker.exists()


def test_plain_pickles_are_refused_and_not_run(tmp_path):
    marker, path = tmp_path / "ran", tmp_path / "bad.pkl"
    path.write_bytes(pickle.dumps(_Payload(str(marker))))
    with pytest.raises(CheckpointError, match="never loaded"):
        load_model(ModelSpec(str(path), arch=ARCH))
    assert not marker.exists()


def test_nan_weights_are_refused(save):
    with pytest.raises(CheckpointError, match=r"finite.*fc\.bias"):
        load_model(save(**{"fc.bias": torch.full((10,), float("nan"))}))


def test_shapes_must_fit(save):
    with pytest.raises(CheckpointError, match=r"bn1\.weight must have shape \(16,\).*\(5,\)"):
        load_model(save(**{"bn1.weight": torch.ones(5)}))


def test_extra_tensors_are_refused(save):
    with pytest.raises(CheckpointError, match="unexpected fc2"):
        load_model(save(extra={"fc2": torch.ones(1)}))


def test_missing_tensors_are_refused(save):
    spec = save()
    with pytest.raises(CheckpointError, match="lack"):
        load_model(ModelSpec(spec.weights, arch="cifar_resnet20"))


def test_an_architecture_must_be_named(save):
    spec = save(wrap=False)
    with pytest.raises(CheckpointError, match="names no architecture"):
        load_model(ModelSpec(spec.weights))


def test_an_unknown_architecture_in_the_file(save):
    with pytest.raises(CheckpointError, match="unknown architecture 'mystery'"):
        load_model(save(arch="mystery"))


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x10\0\0\0\0\0\0\0{not json at all"])
def test_corrupt_files(tmp_path, content):
    path = tmp_path / "corrupt.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"corrupt\.safetensors"):
        load_model(ModelSpec(str(path), arch=ARCH))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(CheckpointError, match="No such file"):
        load_model(ModelSpec(str(tmp_path / "none.pth"), arch=ARCH))


def test_unknown_shipped_name_lists_the_known():
    with pytest.raises(UnknownKeyError, match=r"digits-0\.50"):
        load_model(ModelSpec("shipped:none"))


@pytest.mark.parametrize(
    "said",
    [{"mean": "[" * 100_000}, {"num_classes": "Infinity"}, {"input_shape": "[Infinity, 1, 1]"}],
)
def test_hostile_words_beside_weights_end_in_a_sentence(tmp_path, said):
    path = tmp_path / "net.safetensors"
    save_file({"weight": torch.zeros(2, 2)}, path, metadata={"arch": "digits_resnet", **said})
    with pytest.raises(CheckpointError):
        load_model(ModelSpec(str(path)))
