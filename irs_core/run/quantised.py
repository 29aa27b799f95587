"""Classifiers in int8, in mixed precision and in integers only, from a float original."""

from collections.abc import Callable, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from torch import nn

from irs_core.approx.int8_static import Quantised, quantise
from irs_core.approx.integer_form import integer_form
from irs_core.approx.mixed import describe_mixed, mixed_size
from irs_core.approx.packing import network_size
from irs_core.errors import ApproximationError, CheckpointError, DatasetError
from irs_core.integer import IntegerNetwork
from irs_core.integer.files import read_network
from irs_core.run.calibration import calibration_images
from irs_core.run.given import Given
from irs_core.run.origins import int8_bytes
from irs_core.run.prepared import Prepared
from irs_core.sampling.classifier import make_integer
from irs_core.spec.compressions import Compression, FileModel, Int8Static, IntegerOnly
from irs_core.spec.mixed import Mixed

if TYPE_CHECKING:
    from irs_core.backends.openvino_predictor import OpenVinoPredictor

INTEGER_NOTE = (
    "Computes in integers only: int8 weights per channel, 8-bit activations, 32-bit sums, an int32 "
    "multiplier and a shift after each layer."
)


def int8(
    given: Given,
    compression: Compression,
    of: Int8Static,
    only: Callable[[str], bool] = lambda _: True,
) -> Prepared:
    """Static int8 of all convolutions and linear layers, or of some.

    Args:
        compression: What the study calls it.
        of: How it is quantised.
        only: Whether a layer or constant of that name is.

    Raises:
        ApproximationError: OpenVINO or NNCF is missing, or cannot quantise the network.
    """
    calibration, source = calibration_images(given.spec, given.dataset)
    made = quantise(
        given.base.module,
        classes=given.setting.classes,
        input_shape=given.setting.input_shape,
        calibration=calibration,
        max_disagreement=of.max_disagreement,
        only=only,
    )
    # Without OpenVINO the line above has refused.
    from irs_core.backends.openvino_graph import model_size
    from irs_core.backends.openvino_predictor import to_bytes

    predictor = _quantised(given, made)
    digest = sha256(f"{given.base.digest} {compression} {made.digest}".encode()).hexdigest()
    precisions = list(predictor.layer_precisions().values())
    kept = f"; in 32 bits: {', '.join(made.kept)}" if made.kept else ""
    return Prepared(
        str(compression),
        compression.title,
        digest,
        f"{precisions.count('int8')} of {len(precisions)} convolutions and linear layers in "
        f"int8, calibrated on {source} under the study's noise{kept}.",
        int8_bytes(given.base, precisions.count("int8") / max(1, len(precisions))),
        given.base.parameters,
        predictor,
        given.packer(compression, digest, predictor, lambda: to_bytes(made.model)),
        sized=partial(model_size, made.model),
    )


def mixed(given: Given, compression: Mixed, shaped: nn.Module, only: Sequence[str]) -> Prepared:
    """Layers in several precisions, some of them in int8.

    Args:
        shaped: The original with everything done that is not int8.
        only: Names of the layers in int8.

    Raises:
        ApproximationError: A layer is none of the converted network, or OpenVINO refuses.
    """
    calibration, source = calibration_images(given.spec, given.dataset)
    made = quantise(
        shaped,
        classes=given.setting.classes,
        input_shape=given.setting.input_shape,
        calibration=calibration,
        only=frozenset(only).__contains__,
    )
    missing = sorted(set(only) - set(made.layers))
    if missing:
        raise ApproximationError(
            f"{missing[0]} is no layer of the converted network, or its weights are all zero"
        )
    from irs_core.backends.openvino_predictor import to_bytes

    predictor = _quantised(given, made)
    digest = sha256(f"{given.base.digest} {compression} {made.digest}".encode()).hexdigest()
    report = describe_mixed(given.base.module, shaped, compression)
    return Prepared(
        str(compression),
        compression.title,
        digest,
        f"{report.note} Ranges of int8 set on {source} under the study's noise.",
        report.size_bytes,
        report.nonzero_parameters,
        predictor,
        given.packer(compression, digest, predictor, lambda: to_bytes(made.model)),
        sized=partial(mixed_size, given.base.module, shaped, compression),
    )


def _quantised(given: Given, made: Quantised) -> "OpenVinoPredictor":
    # Without OpenVINO, quantising has refused.
    from irs_core.backends.openvino_predictor import OpenVinoPredictor

    return OpenVinoPredictor(
        made.model,
        classes=given.setting.classes,
        input_shape=given.setting.input_shape,
        arithmetic="int8",
        batch=given.setting.batch,
    )


def integer(given: Given, compression: IntegerOnly) -> Prepared:
    """The original's form that computes in integers only.

    Raises:
        ApproximationError: It has none, or no kernels here give its scores.
        DatasetError: There are no images to set its ranges on.
    """
    calibration, source = calibration_images(given.spec, given.dataset, unseen=True)
    network = integer_form(
        given.base.module,
        compression,
        calibration=calibration,
        scale=given.dataset.scale,
        input_shape=given.setting.input_shape,
    )
    return _prepared_integer(
        given,
        compression,
        network,
        str(compression),
        f"{INTEGER_NOTE} Ranges set on {source} under the study's noise.",
    )


def integer_file(given: Given, compression: FileModel) -> Prepared:
    """An integer network from a file.

    Raises:
        CheckpointError: The file has changed.
        DatasetError: It is made for other images.
    """
    network = read_network(Path(compression.path))
    if not network.digest.startswith(compression.digest):
        raise CheckpointError(
            f"{compression.path} has changed: its digest begins with {network.digest[:16]}, "
            f"the study is about {compression.digest}"
        )
    return _prepared_integer(
        given,
        compression,
        network,
        compression.identity,
        f"The file {compression.path}. {INTEGER_NOTE}",
    )


def _prepared_integer(
    given: Given, compression: Compression, network: IntegerNetwork, identity: str, note: str
) -> Prepared:
    check_integer(given, network)
    predictor = make_integer(network, given.setting)
    # Not the digest of the same network as an original: a study keeps the two apart.
    digest = sha256(f"{identity} {network.digest}".encode()).hexdigest()
    return Prepared(
        str(compression),
        compression.title,
        digest,
        note,
        network.size_bytes,
        network.nonzero,
        predictor,
        given.packer(compression, digest, predictor, network=network),
        sized=partial(network_size, network),
    )


def check_integer(given: Given, network: IntegerNetwork) -> None:
    """Refuse an integer network of another pixel grid, image shape or number of classes.

    Raises:
        DatasetError: Names both.
    """
    grid = (network.scale, network.input_shape, network.classes)
    own = (given.dataset.scale, given.dataset.input_shape, given.setting.classes)
    if grid != own:
        raise DatasetError(
            "an integer network is made for one pixel grid, image shape and number of classes: "
            f"this one for {grid}; the data have {own}"
        )
