"""A PyTorch classifier as an ONNX graph, so that it can stand behind an ONNX denoiser."""

import hashlib
import tempfile
import warnings
from pathlib import Path

import torch

from irs_core.errors import CheckpointError, first_line
from irs_core.graphs import GraphFile
from irs_core.models.gradients import check_gradients
from irs_core.models.loaded import LoadedModel

_OPSET = 17


def as_graph(model: LoadedModel, shape: tuple[int, int, int]) -> GraphFile:
    """The classifier as ONNX, its normalisation inside.

    Args:
        shape: (C, H, W) of its images.

    Raises:
        CheckpointError: PyTorch does not run it layer by layer, or cannot export it.
    """
    check_gradients(model)
    try:
        with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
            warnings.simplefilter("ignore")
            path = Path(folder) / "classifier.onnx"
            torch.onnx.export(
                model.module,
                (torch.zeros(2, *shape),),
                path,
                input_names=["images"],
                output_names=["scores"],
                dynamic_axes={"images": {0: "N"}, "scores": {0: "N"}},
                opset_version=_OPSET,
                # The other exporter needs a package that is not installed everywhere.
                dynamo=False,
            )
            graph = path.read_bytes()
    except Exception as error:  # exporters fail in many ways
        raise CheckpointError(
            f"PyTorch cannot export the classifier to ONNX ({first_line(error, 160)}); take a "
            "denoiser of the command denoiser train, or an ONNX file of the classifier"
        ) from error
    from irs_core.graphs.onnx_file import examine

    facts = examine(graph, model.arch)
    return GraphFile(
        f"{model.arch}.onnx", "onnx", graph, b"", facts, hashlib.sha256(graph).hexdigest()
    )
