"""Classifiers that are graph files: ONNX or OpenVINO IR instead of PyTorch weights."""

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from torch import Tensor, nn

from irs_core.errors import CheckpointError
from irs_core.graphs import GraphFile, read_graph
from irs_core.graphs.outputs import chosen_output
from irs_core.models.channel_order import check_colours
from irs_core.models.normalize import Numbers
from irs_core.spec.compressions import FileModel


class GraphModule(nn.Module):
    """A graph file in the place of a PyTorch network; predictors run it, PyTorch cannot.

    Args:
        file: The network.
        mean, std: Normalisation before it, after the noise; None for none.
    """

    def __init__(self, file: GraphFile, mean: Numbers = None, std: Numbers = None) -> None:
        super().__init__()
        self.file, self.mean, self.std = file, mean, std

    def forward(self, images: Tensor) -> NoReturn:
        """Refuse: there are no PyTorch layers.

        Raises:
            CheckpointError: Always.
        """
        raise CheckpointError(f"{self.file.name} is run by a backend, not as a PyTorch module")


@dataclass(frozen=True, eq=False)
class GraphModel:
    """A graph file with the normalisation that comes before it.

    Args:
        num_classes: As the file says, or else as asked for.
        digest: SHA-256 of the file's digest and the normalisation; the key of its evidence.
    """

    module: GraphModule
    num_classes: int
    input_shape: tuple[int, int, int] | None
    digest: str


def load_graph(
    path: Path,
    *,
    num_classes: int | None = None,
    mean: Numbers = None,
    std: Numbers = None,
    output: str | None = None,
    like: bool = False,
    reverse: bool = False,
) -> GraphModel:
    """Read a graph file and check it against what is asked for.

    Args:
        output: Name of the output that holds the scores; None for the only one that can.
        like: That is the name in another file, which holds here too only if it is known.
        reverse: The file takes blue, green, red.

    Raises:
        CheckpointError: The file cannot be used, or is not as asked for.
    """
    whole = read_graph(path)
    if like and output not in [one.name for one in whole.facts.outputs]:
        output = None
    several = len(whole.facts.outputs) > 1
    chosen = chosen_output(whole.name, whole.facts.outputs, output, num_classes)
    if reverse:
        check_colours(whole.facts.input_shape, whole.name)
    file = replace(whole, facts=replace(whole.facts.with_output(chosen), reversed=reverse))
    facts = file.facts
    classes = facts.num_classes or num_classes
    if classes is None:
        raise CheckpointError(f"{file.name} leaves the number of classes open; give it")
    if num_classes not in (None, classes):
        raise CheckpointError(f"{file.name} has {classes} classes; asked for were {num_classes}")
    channels, height, width = facts.input_shape
    count = channels or len(mean or ())
    if mean is not None and std is not None and {len(mean), len(std)} != {count}:
        raise CheckpointError(
            f"{file.name} takes {count} channels; got {len(mean)} means and {len(std)} stds"
        )
    known = channels is not None and height is not None and width is not None
    head = {"file": file.digest, "mean": mean and list(mean), "std": std and list(std)}
    if several:
        head["output"] = chosen.name
    if reverse:
        head["channel_order"] = "bgr"
    return GraphModel(
        GraphModule(file, mean, std).eval(),
        classes,
        (channels, height, width) if known else None,  # type: ignore[arg-type]
        hashlib.sha256(json.dumps(head, sort_keys=True).encode()).hexdigest(),
    )


def load_file_model(
    compression: FileModel,
    *,
    num_classes: int,
    mean: Numbers = None,
    std: Numbers = None,
    output: str | None = None,
    reverse: bool = False,
) -> GraphModel:
    """The compressed network that a study's description names.

    Args:
        mean, std: The original's normalisation, used where the description asks for it.
        output: The original's output, which holds the scores here too if there is one of that name.
        reverse: The original takes blue, green, red, and so does the file.

    Raises:
        CheckpointError: The file cannot be used or holds another network than was described.
    """
    if compression.normalize and mean is None:
        raise CheckpointError(
            f"{compression.title} asks for the original's normalisation, but there is none"
        )
    found = load_graph(
        Path(compression.path),
        num_classes=num_classes,
        mean=mean if compression.normalize else None,
        std=std if compression.normalize else None,
        output=output,
        like=True,
        reverse=reverse,
    )
    digest = found.module.file.digest
    if not digest.startswith(compression.digest):
        raise CheckpointError(
            f"{compression.path} has changed: its digest begins with {digest[:16]}, the study is "
            f"about {compression.digest}"
        )
    return found
