"""From a specification to classifiers that run: the base and its compressions."""

import copy
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from torch import nn

from irs_core.approx import applied
from irs_core.approx.graph_weights import compressed_graph
from irs_core.approx.int8_static import Quantised, quantise
from irs_core.approx.integer_form import integer_form
from irs_core.approx.mixed import describe_mixed, int8_layers, mixed_size, reshaped
from irs_core.approx.packing import graph_size, module_size, network_size
from irs_core.backends import Predictor
from irs_core.data import Dataset
from irs_core.errors import ApproximationError, CheckpointError, DatasetError
from irs_core.graphs import is_graph_file
from irs_core.integer import IntegerNetwork
from irs_core.integer.carrier import Carrier
from irs_core.integer.files import is_network, read_network
from irs_core.models import GraphModule, LoadedModel, load_file_model, state_digest
from irs_core.models.lite import LiteModule
from irs_core.models.objects import CallableModule, adopted, is_object
from irs_core.models.scripted import ScriptedModule
from irs_core.models.served import ServedModule
from irs_core.models.successor import load_successor
from irs_core.run.calibration import calibration_images
from irs_core.run.composition import layer_filter, parts_of, recomposed
from irs_core.run.options import RunOptions
from irs_core.run.origins import (
    RUN_ELSEWHERE,
    handled,
    int8_bytes,
    named_file,
    origin_of,
    successor_note,
    with_denoiser,
    without_denoiser,
)
from irs_core.run.prepared import Prepared, as_fixed
from irs_core.sampling.classifier import Setting, make_classifier, make_integer
from irs_core.sampling.payload import ModelPayload, pack
from irs_core.spec.compressions import Compression, FileModel, Int8Static, IntegerOnly, ObjectModel
from irs_core.spec.cost import Size
from irs_core.spec.mixed import Mixed
from irs_core.spec.outside import CodeModel, ServedModel
from irs_core.spec.parts import PartOnly
from irs_core.spec.study import StudySpec
from irs_core.store import BASE

if TYPE_CHECKING:
    from irs_core.backends.openvino_predictor import OpenVinoPredictor

logger = logging.getLogger(__name__)

_INTEGER_NOTE = (
    "Computes in integers only: int8 weights per channel, 8-bit activations, 32-bit sums, an int32 "
    "multiplier and a shift after each layer."
)


def prepare(
    spec: StudySpec, base: LoadedModel, dataset: Dataset, options: RunOptions
) -> Iterator[Prepared]:
    """The base classifier, then each compression in the order asked for.

    Raises:
        IrsError: A compression does not fit the model, the device or what is installed.
    """
    builder = _Builder(spec, base, dataset, options)
    yield builder.base()
    for compression in spec.compressions:
        yield builder.build(compression)


def prepare_fixed(
    spec: StudySpec, base: LoadedModel, dataset: Dataset, options: RunOptions
) -> Iterator[Prepared]:
    """The same, each measured to be a fixed function of one image before it is given.

    Raises:
        ModelOutputError: A classifier is none and cannot be made one; see `as_fixed`.
        IrsError: A compression does not fit the model, the device or what is installed.
    """
    for one in prepare(spec, base, dataset, options):
        yield as_fixed(one, dataset, spec.noise)


class _Builder:
    def __init__(
        self, spec: StudySpec, base: LoadedModel, dataset: Dataset, options: RunOptions
    ) -> None:
        self._spec, self._base, self._dataset = spec, base, dataset
        self._options = options
        self._setting = Setting(
            base.num_classes,
            dataset.input_shape,
            options.device,
            options.backend,
            options.batch,
        )

    def base(self) -> Prepared:
        """The classifier that everything starts from."""
        module, title, note = self._base.module, "original (fp32)", "The uncompressed classifier."
        if isinstance(module, GraphModule):
            title = f"original ({module.file.facts.precision.name})"
            note = f"The file {named_file(module)}{handled(module)}."
        network = module.network if isinstance(module, Carrier) else None
        if network is not None:
            self._check_integer(network)
            title, note = "original (integers only)", _INTEGER_NOTE
        if self._base.arch in RUN_ELSEWHERE:
            title, note = RUN_ELSEWHERE[self._base.arch], f"{self._spec.model.weights}."
        title, note = with_denoiser(self._base, title, note)
        predictor = make_classifier(module, None, self._setting)
        return Prepared(
            BASE,
            title,
            self._base.digest,
            note,
            self._base.size_bytes,
            self._base.parameters,
            predictor,
            _unpackable
            if is_object(self._spec.model.weights) or self._base.arch in ("torchscript", "litert")
            else self._packer(None, self._base.digest, predictor, network=network),
            sized=_sized(module),
        )

    def build(self, compression: Compression) -> Prepared:
        """One compressed classifier."""
        made = self._built(compression)
        if isinstance(compression, FileModel | ObjectModel | CodeModel | ServedModel):
            return replace(made, note=f"{made.note}{without_denoiser(self._base)}")
        return made

    def _built(self, compression: Compression) -> Prepared:
        if isinstance(compression, ObjectModel | CodeModel | ServedModel):
            return self._object(compression)
        if isinstance(compression, PartOnly):
            return self._part(compression)
        if isinstance(
            self._base.module, CallableModule | ServedModule | LiteModule
        ) and not isinstance(compression, FileModel):
            raise ApproximationError(
                f"{compression} needs layers, and the original is run as it is; give a compressed "
                "model: file:PATH, call:package.module:make or the URL of one behind a server"
            )
        if isinstance(self._base.module, Carrier) and not isinstance(
            compression, IntegerOnly | FileModel
        ):
            raise ApproximationError(
                "an integer network can only lose bits of its weights (integer:4) or be compared "
                f"with a file (file:PATH); got {compression}"
            )
        if isinstance(compression, Int8Static):
            return self._int8(compression, compression)
        if isinstance(compression, Mixed) and not isinstance(self._base.module, GraphModule):
            shaped = copy.deepcopy(self._base.module).eval()
            only = int8_layers(shaped, compression)
            if only:
                return self._mixed(compression, reshaped(shaped, compression), only)
        if isinstance(compression, FileModel):
            return self._of_file(compression)
        if isinstance(self._base.module, GraphModule):
            return self._graph(compression, self._base.module)
        if isinstance(compression, IntegerOnly):
            return self._integer(compression)
        made = applied(self._base.module, compression)
        # By content: what a recipe makes may change with libraries and machines.
        digest = state_digest(made.module, f"{self._base.digest} {compression}")
        predictor = make_classifier(
            self._base.module, compression, self._setting, compressed=made.module
        )
        return Prepared(
            str(compression),
            compression.title,
            digest,
            made.report.note,
            made.report.size_bytes,
            made.report.nonzero_parameters,
            predictor,
            self._packer(compression, digest, predictor, compressed=made.module),
            sized=partial(module_size, made.module, made.report.size_bytes),
        )

    def _of_file(self, compression: FileModel) -> Prepared:
        path = Path(compression.path)
        if is_graph_file(compression.path):
            return self._file(compression)
        if is_network(path):
            return self._integer_file(compression)
        found = load_successor(
            compression,
            replace(self._spec.model, denoiser=None),
            self._base.classifier,
            programs=self._options.programs,
        )
        return self._successor(compression, found)

    def _part(self, compression: PartOnly) -> Prepared:
        """The original with one part compressed, or replaced by a file."""
        parts_of(self._base, compression)
        if isinstance(compression.of, Int8Static):
            return self._int8(compression, compression.of, only=layer_filter(compression))
        found = recomposed(
            compression, self._spec.model, self._base, programs=self._options.programs
        )
        model, module = found.model, found.model.module
        self._check_shape(model.input_shape, compression.title)
        predictor = make_classifier(module, None, self._setting)
        graph = module if isinstance(module, GraphModule) else None
        return Prepared(
            str(compression),
            compression.title,
            model.digest,
            found.note,
            model.size_bytes,
            found.nonzero,
            predictor,
            self._packer(None, model.digest, predictor, module=graph, base=model)
            if found.packable
            else _unpackable,
            sized=_sized(module),
        )

    def _successor(self, compression: FileModel, found: LoadedModel) -> Prepared:
        self._check_shape(found.input_shape, Path(compression.path).name)
        predictor = make_classifier(found.module, None, self._setting)
        # Not the digest of the same weights as an original: a study keeps the two apart.
        digest = sha256(f"compressed {found.digest}".encode()).hexdigest()
        packable = found.arch not in ("torchscript", "litert", "object")
        return Prepared(
            str(compression),
            compression.title,
            digest,
            f"{successor_note(compression, found)}; {predictor.execution}.",
            found.size_bytes,
            sum(int(parameter.count_nonzero()) for parameter in found.module.parameters()),
            predictor,
            self._packer(None, digest, predictor, base=found) if packable else _unpackable,
            sized=_sized(found.module),
        )

    def _check_shape(self, taken: tuple[int, int, int] | None, name: str) -> None:
        shape = self._setting.input_shape
        if taken not in (None, shape):
            raise DatasetError(f"{name} takes inputs of shape {taken}; the images have {shape}")

    def _object(self, compression: ObjectModel | CodeModel | ServedModel) -> Prepared:
        module = adopted(str(compression))
        predictor = make_classifier(module, None, self._setting)
        return Prepared(
            str(compression),
            compression.title,
            sha256(f"compressed {compression}".encode()).hexdigest(),
            f"{origin_of(compression)}; {predictor.execution}.",
            sum(value.nbytes for value in module.state_dict().values()),
            sum(int(parameter.count_nonzero()) for parameter in module.parameters()),
            predictor,
            _unpackable,
            sized=_sized(module),
        )

    def _file(self, compression: FileModel) -> Prepared:
        found = load_file_model(
            compression,
            num_classes=self._setting.classes,
            mean=self._base.mean,
            std=self._base.std,
            output=self._spec.model.output,
        )
        module = found.module
        self._check_shape(found.input_shape, module.file.name)
        predictor = make_classifier(module, None, self._setting)
        first = ", after the original's normalisation" if compression.normalize else ""
        # Not the digest of the same file as an original: a study keeps the two apart.
        digest = sha256(f"compressed {found.digest}".encode()).hexdigest()
        return Prepared(
            str(compression),
            compression.title,
            digest,
            f"The file {named_file(module)}, as it is{first}{handled(module)}; "
            f"{predictor.execution}.",
            module.file.size_bytes,
            module.file.facts.parameters,
            predictor,
            self._packer(compression, digest, predictor, module=module),
            sized=_sized(module),
        )

    def _graph(self, compression: Compression, base: GraphModule) -> Prepared:
        made = compressed_graph(base.file, compression)
        module = GraphModule(made.file, base.mean, base.std)
        predictor = make_classifier(module, None, self._setting)
        head = f"{self._base.digest} {compression} {made.file.digest}"
        digest = sha256(head.encode()).hexdigest()
        return Prepared(
            str(compression),
            compression.title,
            digest,
            made.note,
            made.size_bytes,
            made.nonzero,
            predictor,
            self._packer(compression, digest, predictor, module=module),
            sized=partial(graph_size, made.file, made.size_bytes),
        )

    def _int8(
        self,
        compression: Compression,
        of: Int8Static,
        only: Callable[[str], bool] = lambda _: True,
    ) -> Prepared:
        calibration, source = calibration_images(self._spec, self._dataset)
        made = quantise(
            self._base.module,
            classes=self._setting.classes,
            input_shape=self._setting.input_shape,
            calibration=calibration,
            max_disagreement=of.max_disagreement,
            only=only,
        )
        # Without OpenVINO the line above has refused.
        from irs_core.backends.openvino_graph import model_size
        from irs_core.backends.openvino_predictor import to_bytes

        predictor = self._quantised(made)
        digest = sha256(f"{self._base.digest} {compression} {made.digest}".encode()).hexdigest()
        precisions = list(predictor.layer_precisions().values())
        kept = f"; in 32 bits: {', '.join(made.kept)}" if made.kept else ""
        return Prepared(
            str(compression),
            compression.title,
            digest,
            f"{precisions.count('int8')} of {len(precisions)} convolutions and linear layers in "
            f"int8, calibrated on {source} under the study's noise{kept}.",
            int8_bytes(self._base, precisions.count("int8") / max(1, len(precisions))),
            self._base.parameters,
            predictor,
            self._packer(compression, digest, predictor, lambda: to_bytes(made.model)),
            sized=partial(model_size, made.model),
        )

    def _mixed(self, compression: Mixed, shaped: nn.Module, only: Sequence[str]) -> Prepared:
        calibration, source = calibration_images(self._spec, self._dataset)
        made = quantise(
            shaped,
            classes=self._setting.classes,
            input_shape=self._setting.input_shape,
            calibration=calibration,
            only=frozenset(only).__contains__,
        )
        missing = sorted(set(only) - set(made.layers))
        if missing:
            raise ApproximationError(
                f"{missing[0]} is no layer of the converted network, or its weights are all zero"
            )
        from irs_core.backends.openvino_predictor import to_bytes

        predictor = self._quantised(made)
        digest = sha256(f"{self._base.digest} {compression} {made.digest}".encode()).hexdigest()
        report = describe_mixed(self._base.module, shaped, compression)
        return Prepared(
            str(compression),
            compression.title,
            digest,
            f"{report.note} Ranges of int8 set on {source} under the study's noise.",
            report.size_bytes,
            report.nonzero_parameters,
            predictor,
            self._packer(compression, digest, predictor, lambda: to_bytes(made.model)),
            sized=partial(mixed_size, self._base.module, shaped, compression),
        )

    def _quantised(self, made: Quantised) -> "OpenVinoPredictor":
        # Without OpenVINO, quantising has refused.
        from irs_core.backends.openvino_predictor import OpenVinoPredictor

        return OpenVinoPredictor(
            made.model,
            classes=self._setting.classes,
            input_shape=self._setting.input_shape,
            arithmetic="int8",
            batch=self._setting.batch,
        )

    def _integer(self, compression: IntegerOnly) -> Prepared:
        calibration, source = calibration_images(self._spec, self._dataset, unseen=True)
        network = integer_form(
            self._base.module,
            compression,
            calibration=calibration,
            scale=self._dataset.scale,
            input_shape=self._setting.input_shape,
        )
        return self._prepared_integer(
            compression,
            network,
            str(compression),
            f"{_INTEGER_NOTE} Ranges set on {source} under the study's noise.",
        )

    def _integer_file(self, compression: FileModel) -> Prepared:
        network = read_network(Path(compression.path))
        if not network.digest.startswith(compression.digest):
            raise CheckpointError(
                f"{compression.path} has changed: its digest begins with {network.digest[:16]}, "
                f"the study is about {compression.digest}"
            )
        return self._prepared_integer(
            compression,
            network,
            compression.identity,
            f"The file {compression.path}. {_INTEGER_NOTE}",
        )

    def _prepared_integer(
        self, compression: Compression, network: IntegerNetwork, identity: str, note: str
    ) -> Prepared:
        self._check_integer(network)
        predictor = make_integer(network, self._setting)
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
            self._packer(compression, digest, predictor, network=network),
            sized=partial(network_size, network),
        )

    def _check_integer(self, network: IntegerNetwork) -> None:
        grid = (network.scale, network.input_shape, network.classes)
        own = (self._dataset.scale, self._dataset.input_shape, self._setting.classes)
        if grid != own:
            raise DatasetError(
                "an integer network is made for one pixel grid, image shape and number of classes: "
                f"this one for {grid}; the data have {own}"
            )

    def _packer(
        self,
        compression: Compression | None,
        digest: str,
        predictor: Predictor,
        graph: Callable[[], tuple[bytes, bytes] | None] = lambda: None,
        module: GraphModule | None = None,
        network: IntegerNetwork | None = None,
        compressed: nn.Module | None = None,
        base: LoadedModel | None = None,
    ) -> Callable[[], ModelPayload]:
        origin = base or self._base
        if compression is None and isinstance(origin.module, GraphModule):
            module = origin.module
        return lambda: pack(
            origin,
            compression,
            digest=digest,
            execution=predictor.execution,
            setting=self._setting,
            graph=graph(),
            module=module,
            network=network,
            compressed=compressed,
        )


def _unpackable() -> ModelPayload:
    raise ApproximationError(
        "an object, a program, a model behind a server or one with a single compressed part runs "
        "in one process; use the engine local"
    )


def _sized(module: nn.Module) -> Callable[[], Size] | None:
    """What looks at the weights of a model; None where they are not at hand."""
    if isinstance(module, GraphModule):
        return partial(graph_size, module.file)
    if isinstance(module, Carrier):
        return partial(network_size, module.network)
    if any(isinstance(one, ScriptedModule) for one in module.modules()):
        return None
    return partial(module_size, module) if any(True for _ in module.parameters()) else None
