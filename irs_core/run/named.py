"""What a person names on the command line or in a notebook: code and servers, made known here.

A stored study holds only texts, and no text makes code run: whoever calls this says that a person
asked for it. The app never does.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from irs_core.data import load_dataset
from irs_core.graphs import file_compression, is_graph_file
from irs_core.models.entry import adopt_call
from irs_core.models.objects import adopt_served, count_classes, keep
from irs_core.models.recognise import is_torchscript
from irs_core.models.scripted import load_scripted
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.compressions import Compression
from irs_core.spec.outside import CALL_PREFIX, SHIPPED_PREFIX, is_address, is_url
from irs_core.spec.study import DataSpec, ModelSpec


def is_code(text: str) -> bool:
    """Whether a text names code: `package.module:make`, with or without `call:` before it."""
    if text.startswith(SHIPPED_PREFIX):
        return False
    return text.startswith(f"{CALL_PREFIX}:") or (is_address(text) and not Path(text).exists())


def named_model(spec: ModelSpec, data: DataSpec) -> ModelSpec:
    """The original that a person names, with its number of classes where it has to be asked for it.

    Args:
        spec: Weights may be a file, `shipped:NAME`, `package.module:make` or the URL of a model
            behind a server.
        data: The images, of which the first one is shown to it.

    Raises:
        IrsError: It cannot be made, reached or run.
    """
    if is_code(spec.weights):
        address = spec.weights.removeprefix(f"{CALL_PREFIX}:")
        classes = spec.num_classes or _one(data)[1]
        text = adopt_call(address, num_classes=classes)
        return _counted(replace(spec, weights=text), text, data)
    if is_url(spec.weights):
        text = adopt_served(spec.weights)
        return _counted(replace(spec, weights=text), text, data)
    path = Path(spec.weights).expanduser()
    if is_graph_file(spec.weights) or not path.is_file() or not is_torchscript(path):
        return spec
    program = load_scripted(path, programs=True)
    return _counted(spec, keep("program", program.digest, program), data)


def named_compressions(
    texts: Sequence[str], *, data: DataSpec, num_classes: int | None = None
) -> tuple[Compression, ...]:
    """Compressed models from their texts: as `parse_compression`, and files, code and servers.

    Files are read, so that their digest is known.

    Args:
        data, num_classes: Of the original; a callable that gives class ids needs their number.

    Raises:
        IrsError: A text names none, or what it names cannot be used.
    """
    return tuple(_named(text.strip(), data, num_classes) for text in texts)


def _named(text: str, data: DataSpec, num_classes: int | None) -> Compression:
    file = file_compression(text)
    if file is not None:
        return file
    # Without its prefix, code would look like a compression with a number.
    if "#" not in text and text.startswith(f"{CALL_PREFIX}:"):
        address = text.removeprefix(f"{CALL_PREFIX}:")
        text = adopt_call(address, num_classes=num_classes or _one(data)[1])
    elif "#" not in text and is_url(text):
        text = adopt_served(text)
    return parse_compression(text)


def _counted(spec: ModelSpec, text: str, data: DataSpec) -> ModelSpec:
    if spec.num_classes is not None:
        return spec
    return replace(spec, num_classes=count_classes(text, _one(data)[0]))


def _one(data: DataSpec) -> tuple[NDArray[np.float32], int]:
    """The first image, (1, C, H, W), and the number of classes of the data."""
    dataset = load_dataset(replace(data, max=1, stride=1, holdout=0))
    return dataset.images(np.arange(1)), len(dataset.classes)
