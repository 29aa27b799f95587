"""From a specification to classifiers that run: the base and its compressions."""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path

from irs_core.approx import applied
from irs_core.approx.graph_weights import compressed_graph
from irs_core.approx.mixed import int8_layers, reshaped
from irs_core.approx.packing import graph_size, module_size
from irs_core.data import Dataset
from irs_core.errors import ApproximationError
from irs_core.graphs import is_graph_file
from irs_core.integer.carrier import Carrier
from irs_core.integer.files import is_network
from irs_core.models import GraphModule, LoadedModel, load_file_model, state_digest
from irs_core.models.lite import LiteModule
from irs_core.models.objects import CallableModule, adopted, is_object
from irs_core.models.served import ServedModule
from irs_core.models.successor import load_successor
from irs_core.run.composition import layer_filter, parts_of, recomposed
from irs_core.run.given import Given, packable, sized_of, unpackable
from irs_core.run.options import RunOptions
from irs_core.run.origins import (
    RUN_ELSEWHERE,
    handled,
    named_file,
    origin_of,
    successor_note,
    with_denoiser,
    without_denoiser,
)
from irs_core.run.prepared import Prepared, as_fixed
from irs_core.run.quantised import INTEGER_NOTE, check_integer, int8, integer, integer_file, mixed
from irs_core.sampling.classifier import make_classifier
from irs_core.spec.compressions import Compression, FileModel, Int8Static, IntegerOnly, ObjectModel
from irs_core.spec.mixed import Mixed
from irs_core.spec.outside import CodeModel, ServedModel
from irs_core.spec.parts import PartOnly
from irs_core.spec.study import StudySpec
from irs_core.store import BASE


def prepare(
    spec: StudySpec, base: LoadedModel, dataset: Dataset, options: RunOptions
) -> Iterator[Prepared]:
    """The base classifier, then each compression in the order asked for.

    Raises:
        IrsError: A compression does not fit the model, the device or what is installed.
    """
    for _, make in _makers(Given(spec, base, dataset, options)):
        yield make()


def prepare_fixed(
    spec: StudySpec,
    base: LoadedModel,
    dataset: Dataset,
    options: RunOptions,
    known: Mapping[str, Prepared] | None = None,
) -> Iterator[Prepared]:
    """The same, each measured to be a fixed function of one image before it is given.

    Args:
        known: Those that were prepared and measured before, by name; they are given as they are.

    Raises:
        ModelOutputError: A classifier is none and cannot be made one; see `as_fixed`.
        IrsError: A compression does not fit the model, the device or what is installed.
    """
    for name, make in _makers(Given(spec, base, dataset, options)):
        yield (known or {}).get(name) or as_fixed(make(), dataset, spec.noise)


def _makers(given: Given) -> Iterator[tuple[str, Callable[[], Prepared]]]:
    """What makes each classifier of a study, by name."""
    builder = _Builder(given)
    yield BASE, builder.base
    for compression in given.spec.compressions:
        yield str(compression), partial(builder.build, compression)


class _Builder:
    def __init__(self, given: Given) -> None:
        self._given, self._spec, self._base = given, given.spec, given.base
        self._setting, self._options = given.setting, given.options

    def base(self) -> Prepared:
        """The classifier that everything starts from."""
        module, title, note = self._base.module, "original (fp32)", "The uncompressed classifier."
        if isinstance(module, GraphModule):
            title = f"original ({module.file.facts.precision.name})"
            note = f"The file {named_file(module)}{handled(module)}."
        network = module.network if isinstance(module, Carrier) else None
        if network is not None:
            check_integer(self._given, network)
            title, note = "original (integers only)", INTEGER_NOTE
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
            unpackable
            if is_object(self._spec.model.weights) or not packable(self._base)
            else self._given.packer(None, self._base.digest, predictor, network=network),
            sized=sized_of(module),
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
            return int8(self._given, compression, compression)
        if isinstance(compression, Mixed) and not isinstance(self._base.module, GraphModule):
            shaped = copy.deepcopy(self._base.module).eval()
            only = int8_layers(shaped, compression)
            if only:
                return mixed(self._given, compression, reshaped(shaped, compression), only)
        if isinstance(compression, FileModel):
            return self._of_file(compression)
        if isinstance(self._base.module, GraphModule):
            return self._graph(compression, self._base.module)
        if isinstance(compression, IntegerOnly):
            return integer(self._given, compression)
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
            self._given.packer(compression, digest, predictor, compressed=made.module),
            sized=partial(module_size, made.module, made.report.size_bytes),
        )

    def _of_file(self, compression: FileModel) -> Prepared:
        path = Path(compression.path)
        if is_graph_file(compression.path):
            return self._file(compression)
        if is_network(path):
            return integer_file(self._given, compression)
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
            return int8(self._given, compression, compression.of, only=layer_filter(compression))
        found = recomposed(
            compression,
            self._spec.model,
            self._base,
            programs=self._options.programs,
        )
        model, module = found.model, found.model.module
        self._given.check_shape(model.input_shape, compression.title)
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
            self._given.packer(None, model.digest, predictor, module=graph, base=model)
            if found.packable
            else unpackable,
            sized=sized_of(module),
        )

    def _successor(self, compression: FileModel, found: LoadedModel) -> Prepared:
        self._given.check_shape(found.input_shape, Path(compression.path).name)
        predictor = make_classifier(found.module, None, self._setting)
        # Not the digest of the same weights as an original: a study keeps the two apart.
        digest = sha256(f"compressed {found.digest}".encode()).hexdigest()
        return Prepared(
            str(compression),
            compression.title,
            digest,
            f"{successor_note(compression, found)}; {predictor.execution}.",
            found.size_bytes,
            sum(int(parameter.count_nonzero()) for parameter in found.module.parameters()),
            predictor,
            self._given.packer(None, digest, predictor, base=found)
            if packable(found)
            else unpackable,
            sized=sized_of(found.module),
        )

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
            unpackable,
            sized=sized_of(module),
        )

    def _file(self, compression: FileModel) -> Prepared:
        found = load_file_model(
            compression,
            num_classes=self._setting.classes,
            mean=self._base.mean,
            std=self._base.std,
            output=self._spec.model.output,
            reverse=self._spec.model.reversed,
        )
        module = found.module
        self._given.check_shape(found.input_shape, module.file.name)
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
            self._given.packer(compression, digest, predictor, module=module),
            sized=sized_of(module),
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
            self._given.packer(compression, digest, predictor, module=module),
            sized=partial(graph_size, made.file, made.size_bytes),
        )
