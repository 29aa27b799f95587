import numpy as np
import pytest
import torch

from irs_core.approx.fake import FakeQuantised
from irs_core.data import load_dataset
from irs_core.errors import SpecError
from irs_core.integer.reference import reference_scores
from irs_core.models import load_model, read_card
from irs_core.spec.study import DataSpec, ModelSpec
from irs_core.train import TrainSpec
from irs_core.train.loop import train

FLOAT = "shipped:digits-0.50"


@pytest.fixture(scope="module")
def noisy():
    images = load_dataset(DataSpec(split="train", max=200)).images(slice(None))
    return images + 0.5 * np.random.default_rng(0).standard_normal(images.shape, np.float32)


@pytest.fixture
def fake(noisy):
    module = load_model(ModelSpec(FLOAT)).module
    return FakeQuantised(module, noisy, scale=16, input_shape=(1, 8, 8))


def tuned(tmp_path, **changes):
    fields = {"epochs": 2, "lr": 0.005, "qat_from": FLOAT, "max_images": 256, **changes}
    return TrainSpec("digits_resnet", str(tmp_path / "net.safetensors"), **fields)


def exact(fake, noisy):
    """Whether training computes the integers of the network that it would give."""
    network = fake.integers()
    expected = reference_scores(network, np.rint(noisy * np.float32(16)).astype(np.int64))
    with torch.no_grad():
        scores = fake(torch.from_numpy(noisy)).double().numpy()
    unit = scores[0, 0] / expected[0, 0]
    return np.array_equal(np.rint(scores / unit), expected)


def test_training_computes_the_integers_of_the_network(fake, noisy):
    assert exact(fake, noisy)


def test_and_still_does_after_a_step(fake, noisy):
    before = fake.integers().digest
    labels = torch.arange(len(noisy)) % 10
    optimizer = torch.optim.SGD(fake.parameters(), lr=0.01)
    torch.nn.functional.cross_entropy(fake(torch.from_numpy(noisy)), labels).backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in fake.parameters())
    optimizer.step()
    assert fake.integers().digest != before
    assert exact(fake, noisy)


def test_gradients_are_those_of_the_float_network_up_to_rounding(fake, noisy):
    from irs_core.approx.fold import run_folded

    labels = torch.arange(len(noisy)) % 10
    images = torch.from_numpy(noisy)
    gradients = []
    for scores in (fake(images), run_folded(fake._folded(), images)[-1].flatten(1)):
        fake.zero_grad()
        torch.nn.functional.cross_entropy(scores, labels).backward()
        gradients.append(torch.cat([p.grad.flatten() for p in fake.parameters()]))
    assert torch.nn.functional.cosine_similarity(*gradients, dim=0) > 0.95


def test_fine_tuning_writes_an_integer_network(tmp_path):
    result = train(tuned(tmp_path))
    loaded, card = load_model(ModelSpec(str(result.weights))), read_card(result.card)
    assert loaded.arch == card["arch"] == "integer"
    assert loaded.digest == card["digest"]
    assert "--qat-from shipped:digits-0.50" in card["command"]
    assert result.accuracy.clean > 0.95


def test_fine_tuning_repairs_what_rounding_breaks(noisy):
    """With 3-bit weights, rounding costs accuracy; training under rounding wins some back."""
    data = load_dataset(DataSpec(split="train", max=600))
    images, labels = (
        torch.from_numpy(data.images(slice(None))),
        torch.from_numpy(data.labels.copy()),
    )
    module = load_model(ModelSpec(FLOAT)).module
    fake = FakeQuantised(module, noisy, scale=16, input_shape=(1, 8, 8), bits=3)
    generator = torch.Generator().manual_seed(0)

    def loss():
        shown = images + 0.5 * torch.randn(images.shape, generator=generator)
        return torch.nn.functional.cross_entropy(fake(shown), labels)

    before = loss().item()
    optimizer = torch.optim.SGD(fake.parameters(), lr=0.005)
    for _ in range(15):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
    assert loss().item() < 0.8 * before


def test_weights_of_another_architecture_are_refused(tmp_path):
    with pytest.raises(SpecError, match="holds a digits_resnet"):
        train(TrainSpec("cifar_resnet8", str(tmp_path / "n.safetensors"), qat_from=FLOAT))


def test_half_precision_is_refused(tmp_path):
    with pytest.raises(SpecError, match="exact"):
        tuned(tmp_path, bf16=True)
