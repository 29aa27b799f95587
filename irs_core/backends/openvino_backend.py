"""Networks as OpenVINO models: conversion, and the check that it kept the network."""

import logging
import warnings

import numpy as np
import openvino as ov
import torch
from torch import nn

from irs_core.backends.base import batch_for, check_finite
from irs_core.backends.openvino_graph import from_graph_file
from irs_core.backends.openvino_predictor import OpenVinoPredictor, core
from irs_core.backends.reasons import reason
from irs_core.errors import ApproximationError
from irs_core.models.graph import GraphModule

# Share of the spread of scores that 16-bit arithmetic may move.
_NEAR_TIE = 0.05


def convert(module: nn.Module, input_shape: tuple[int, int, int]) -> ov.Model:
    """The OpenVINO form of a PyTorch module, any batch size.

    Raises:
        ApproximationError: Some operation has no counterpart.
    """
    if isinstance(module, GraphModule):
        return from_graph_file(module, core())
    example = torch.zeros(1, *input_shape)
    level = logging.root.level
    try:
        with warnings.catch_warnings(), torch.no_grad():
            # Tracing warns about Python branches that depend on shapes; the shapes are fixed here.
            warnings.simplefilter("ignore")
            # Without torch's own check, which takes longer than the rest: `check_agreement` and
            # the measurement of every classifier (`fixed_function`) compare more.
            traced = torch.jit.trace(  # type: ignore[no-untyped-call, unused-ignore]
                module.eval(), example, strict=False, check_trace=False
            )
            return ov.convert_model(traced, example_input=example, input=[-1, *input_shape])
    except Exception as error:
        raise ApproximationError(f"OpenVINO cannot convert the model: {reason(error)}") from error
    finally:
        # The converter silences everybody's warnings and leaves it so.
        logging.root.setLevel(level)


def check_agreement(
    predictor: OpenVinoPredictor, module: nn.Module, input_shape: tuple[int, int, int]
) -> None:
    """Refuse a conversion that is not the module: tracing fixes branches that depend on values.

    Compared are the classes of random noisy images; only near-ties may differ.

    Raises:
        ApproximationError: Some image that is no near-tie gets another class.
    """
    count = batch_for(int(np.prod(input_shape)))
    generator = np.random.default_rng(0)
    images = generator.random((count, *input_shape), np.float32)
    images += 0.5 * generator.standard_normal(images.shape, np.float32)
    with torch.inference_mode():
        scores = module(torch.from_numpy(images)).float().numpy()
    check_finite(bool(np.isfinite(scores).all()))
    found = predictor(images)
    lead = scores.max(axis=1) - scores[np.arange(count), found]
    spread = np.ptp(scores, axis=1)
    if (lead > _NEAR_TIE * spread).any():
        raise ApproximationError(
            f"OpenVINO answers {int((lead > _NEAR_TIE * spread).sum())} of {count} random images "
            "differently from the model, which may depend on values in its branches"
        )
