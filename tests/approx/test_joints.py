"""Which layers lie next to sums and pools, and that int8 leaves those beside 32 bits alone."""

import numpy as np
import pytest

from irs_core.approx.int8_static import quantise, weighted_operations
from irs_core.approx.joints import joints
from irs_core.backends.openvino_backend import convert
from irs_core.models import load_model
from irs_core.spec.study import ModelSpec

MODULE = load_model(ModelSpec("shipped:digits-0.50")).module
SHAPE = (1, 8, 8)
IMAGES = np.random.default_rng(0).random((16, *SHAPE), np.float32)


def test_sums_and_pools_know_their_nearest_layers() -> None:
    model = convert(MODULE, SHAPE)
    names = weighted_operations(model, MODULE)
    found = joints(model, names)
    beside = {
        frozenset(names[one] for one in layers)
        for name, layers in found.items()
        if "Add" in name or "Pool" in name
    }
    assert beside == {
        # The sum of the first block: its two sources, and its two readers.
        frozenset({"conv1", "layer1.0.conv2", "layer2.0.conv1", "layer2.0.downsample.0"}),
        # Of the second, whose reader is the last layer behind the pool.
        frozenset({"layer2.0.conv2", "layer2.0.downsample.0", "fc"}),
    }


def _rounded(only: frozenset[str]) -> set[str]:
    made = quantise(
        MODULE, classes=10, input_shape=SHAPE, calibration=IMAGES, only=only.__contains__
    )
    assert set(made.layers) == only
    return {
        one.get_target_inputs().pop().get_node().get_type_name()
        for operation in made.model.get_ordered_ops()
        if operation.get_type_name() == "FakeQuantize"
        for one in operation.outputs()
    }


@pytest.mark.parametrize("alone", ["fc", "layer1.0.conv2"])
def test_a_layer_alone_in_int8_rounds_no_sum_and_no_pool(alone: str) -> None:
    assert _rounded(frozenset({alone})) <= {"Convolution", "MatMul", "Reshape"}


def test_sums_between_layers_in_int8_are_in_int8() -> None:
    whole = frozenset(weighted_operations(convert(MODULE, SHAPE), MODULE).values())
    assert "Add" in _rounded(whole)
