import pytest
import torch

from irs_core.approx import applied, compress, known_compressions, register
from irs_core.errors import SpecError, UnknownKeyError
from irs_core.models import build
from irs_core.spec.compression_kinds import KINDS, parse_compression
from irs_core.spec.compressions import HalfWeights

# Everything that is applied to a PyTorch network; the others have builders of their own.
TEXTS = tuple(
    kind.example
    for kind in KINDS.values()
    if type(parse_compression(kind.example)).__name__ in known_compressions()
)


@pytest.fixture
def network():
    return build("digits_resnet", 10, seed=1).eval()


@pytest.mark.parametrize("text", TEXTS)
def test_the_original_stays_as_it_is(network, text):
    before = {name: value.clone() for name, value in network.state_dict().items()}
    compress(network, parse_compression(text))
    after = network.state_dict()
    assert list(before) == list(after)
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("text", TEXTS)
def test_compressed_networks_give_float32_scores(network, text):
    scores = compress(network, parse_compression(text))(torch.rand(2, 1, 8, 8))
    assert (scores.dtype, scores.shape) == (torch.float32, (2, 10))


@pytest.mark.parametrize("text", TEXTS)
def test_global_generator_is_left_alone(network, text):
    before = torch.get_rng_state()
    compress(network, parse_compression(text))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("text", TEXTS)
def test_every_layer_is_either_touched_or_not(network, text):
    report = applied(network, parse_compression(text)).report
    assert len(report.touched) + len(report.untouched) == 7
    assert not set(report.touched) & set(report.untouched)


def test_no_type_is_registered_twice():
    with pytest.raises(SpecError, match="HalfWeights"):
        register(HalfWeights, apply=None, describe=None)


def test_a_miss_lists_the_known(network):
    with pytest.raises(UnknownKeyError, match="MagnitudePrune"):
        compress(network, "fp16")
    assert "LowRank" in known_compressions()
