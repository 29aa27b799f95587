"""Classifiers that were prepared before, kept by all that they rest on.

A study that is run again with other budgets needs the same classifiers. Converting, quantising and
measuring them takes longer than small studies take to sample. Nothing here decides
about results: a kept classifier is the one that would be made again, and whatever is damaged, or
rests on another file, package, processor or line of this program, is made again. The folder belongs
to the store, is never filled from bundles, and may be deleted at any time. Free of torch.
"""

import contextlib
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from irs_core.backends import Measurable
from irs_core.data import Dataset
from irs_core.errors import ApproximationError, IrsError, StoreError
from irs_core.run.kept_keys import classifier_keys
from irs_core.run.options import RunOptions
from irs_core.run.prepared import Prepared
from irs_core.spec.study import StudySpec
from irs_core.store import BASE
from irs_core.store.files import read_json, write_bytes, write_json

logger = logging.getLogger(__name__)

MOST_CLASSIFIERS = 100
MOST_BYTES = 1 << 30
_SPARE_BYTES = 1 << 26
_ABOUT, _GRAPH, _CONSTANTS = "about.json", "model.xml", "model.bin"


@dataclass(frozen=True)
class _About:
    """What a study records of a kept classifier, and what its network computes in."""

    name: str
    title: str
    digest: str
    note: str
    size_bytes: int
    nonzero: int
    fixed: str
    execution: str
    arithmetic: str
    batch: int
    classes: int
    input_shape: tuple[int, int, int]
    clean: tuple[int, ...]
    seal: str = ""


class KeptClassifiers:
    """The classifiers of one study that were prepared before."""

    def __init__(self, root: Path, spec: StudySpec, dataset: Dataset, options: RunOptions) -> None:
        """Find out what each rests on.

        Args:
            root: The store.
        """
        self._folder = root / "prepared"
        self._keys = dict(classifier_keys(spec, dataset, options))
        self.classes = 0
        self._names = (BASE, *map(str, spec.compressions))

    def known(self) -> dict[str, Prepared]:
        """Those classifiers of the study that are kept, ready to run, by name."""
        found = {name: self._read(name) for name in self._names}
        return {name: one for name, one in found.items() if one is not None}

    def all(self) -> list[Prepared] | None:
        """Every classifier of the study, ready to run; None unless all of them are kept."""
        found = self.known()
        return list(found.values()) if self.is_whole(found) else None

    def is_whole(self, known: Mapping[str, Prepared]) -> bool:
        """Whether these are all of the study's."""
        return len(known) == len(self._names)

    def keep(self, prepared: Sequence[Prepared], classes: int, shape: tuple[int, ...]) -> None:
        """Keep those that OpenVINO runs here; their answers without noise must be known.

        What saves time later takes no room that results may need.
        """
        if not _has_room(self._folder.parent):
            return
        try:
            for one in prepared:
                key = self._keys.get(one.name)
                if key is not None:
                    _write(self._folder / key, one, classes, shape)
            # Another run may remove the same ones.
            _forget(self._folder)
        except (OSError, StoreError) as error:
            logger.info("a classifier is not kept: %s", error)

    def _read(self, name: str) -> Prepared | None:
        key = self._keys.get(name)
        if key is None:
            return None
        folder = self._folder / key
        try:
            fields = read_json(folder / _ABOUT)
            about = _About(
                **{
                    **fields,
                    "input_shape": tuple(fields["input_shape"]),
                    "clean": tuple(fields["clean"]),
                }
            )
            graph, constants = (folder / _GRAPH).read_bytes(), (folder / _CONSTANTS).read_bytes()
        except (OSError, IrsError, TypeError, KeyError, ValueError):
            return None
        if _seal(about, graph, constants) != about.seal or about.name != name:
            return None
        self.classes = about.classes
        # Those used last are forgotten last; who may only read the folder cannot say so.
        with contextlib.suppress(OSError):
            os.utime(folder)
        return Prepared(
            about.name,
            about.title,
            about.digest,
            about.note,
            about.size_bytes,
            about.nonzero,
            KeptPredictor(about, graph, constants),
            _prepared_anew,
            fixed=about.fixed,
            clean=about.clean,
        )


def _has_room(root: Path) -> bool:
    try:
        root.mkdir(parents=True, exist_ok=True)
        return shutil.disk_usage(root).free > _SPARE_BYTES
    except OSError:
        return False


class KeptPredictor:
    """A kept network, compiled when it is first asked; see `Measurable`."""

    overlaps = True

    def __init__(self, about: _About, graph: bytes, constants: bytes) -> None:
        """Nothing is compiled yet."""
        self._about, self._graph, self._constants = about, graph, constants
        self._made: Measurable | None = None
        self.execution, self.batch = about.execution, about.batch

    def __call__(self, inputs: NDArray[np.float32]) -> NDArray[np.int64]:
        """Class ids of noisy inputs; see `Predictor`."""
        return self._predictor()(inputs)

    def scores(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores as they come."""
        return self._predictor().scores(inputs)

    def with_batch(self, batch: int) -> Self:
        """The same network at another batch size."""
        return type(self)(replace(self._about, batch=batch), self._graph, self._constants)

    def second(self) -> None:
        """None: it was compared with another backend when it was first prepared."""

    def nan_inside(self, inputs: NDArray[np.float32]) -> int:
        """Inputs on which NaN arises before the scores."""
        return self._predictor().nan_inside(inputs)

    def _predictor(self) -> Measurable:
        if self._made is None:
            from irs_core.backends.openvino_predictor import OpenVinoPredictor, from_bytes

            about = self._about
            self._made = OpenVinoPredictor(
                from_bytes(self._graph, self._constants),
                classes=about.classes,
                input_shape=about.input_shape,
                arithmetic=about.arithmetic,  # type: ignore[arg-type]
                batch=about.batch,
            )
        return self._made


def _prepared_anew() -> Any:
    raise ApproximationError("a kept classifier runs in this process only; use the engine local")


def _seal(about: _About, graph: bytes, constants: bytes) -> str:
    """A digest of all that is kept of a classifier."""
    head = json.dumps(asdict(replace(about, seal="")), sort_keys=True).encode()
    found = hashlib.sha256()
    for part in (head, graph, constants):
        found.update(len(part).to_bytes(8, "big") + part)
    return found.hexdigest()


def _write(folder: Path, one: Prepared, classes: int, shape: tuple[int, ...]) -> None:
    from irs_core.backends.openvino_predictor import OpenVinoPredictor, to_bytes

    predictor = one.predictor
    if type(predictor) is not OpenVinoPredictor or not one.clean:
        return
    graph, constants = to_bytes(predictor.model)
    about = _About(
        one.name,
        one.title,
        one.digest,
        one.note,
        one.size_bytes,
        one.nonzero,
        one.fixed,
        predictor.execution,
        predictor.arithmetic,
        predictor.batch,
        classes,
        (shape[0], shape[1], shape[2]),
        one.clean,
    )
    about = replace(about, seal=_seal(about, graph, constants))
    folder.mkdir(parents=True, exist_ok=True)
    write_bytes(folder / _GRAPH, graph)
    write_bytes(folder / _CONSTANTS, constants)
    write_json(folder / _ABOUT, asdict(about))


def _forget(folder: Path) -> None:
    """Remove those used longest ago, where there are too many or they are too large."""
    if not folder.is_dir():
        return
    known = sorted(folder.iterdir(), key=lambda one: one.stat().st_mtime, reverse=True)
    total = 0
    for place, one in enumerate(known):
        total += sum(file.stat().st_size for file in one.glob("*"))
        if place >= MOST_CLASSIFIERS or total > MOST_BYTES:
            shutil.rmtree(one, ignore_errors=True)
