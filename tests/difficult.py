"""Studies that pages have trouble with, one named generator for each."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from synthetic import synthetic_spec, synthetic_study

from irs_core.jobs import JobQueue
from irs_core.run.options import Part, Progress
from irs_core.spec.compression_kinds import parse_compression
from irs_core.store import Library, StudyRecord

_TWELVE = (
    *("fp16", "bf16", "int8", "int8-dynamic"),
    *(f"prune:{share / 20:g}" for share in range(1, 9)),
)


def one_model(root: Path) -> StudyRecord:
    """A single compressed model: nothing to choose from."""
    return _study(root, compressions=("int8",))


def twelve_models(root: Path) -> StudyRecord:
    """As many as fit into a figure: names and lines in each other's way."""
    return _study(root, compressions=_TWELVE)


def long_names(root: Path) -> StudyRecord:
    """A title without a place to break it, as long as is allowed."""
    return _study(root, name="robustness_of_the_quantised_successor_" * 4, compressions=("int8",))


def no_baseline(root: Path) -> StudyRecord:
    """Nothing certified from scratch: no speedup to state."""
    return _study(root, baseline=False)


def cirs_only(root: Path) -> StudyRecord:
    """Draws for the conditional method alone, with looks."""
    return _study(root, baseline=False, methods=("cirs",), looks=True)


def original_only(root: Path) -> StudyRecord:
    """No compressed model at all."""
    return _study(root, compressions=())


def imported(root: Path) -> StudyRecord:
    """Reported by others in a bundle."""
    theirs = Library(root.parent / "theirs", root.parent / "none")
    record = synthetic_study(theirs, _spec())
    theirs.export(record.id, root.parent / "theirs.irs.zip")
    return Library(root, root.parent / "none").import_bundle(root.parent / "theirs.irs.zip")


def partial(root: Path) -> StudyRecord:
    """Stopped before its end, and nobody works on it."""
    library = Library(root, root.parent / "none")
    record = replace(synthetic_study(library, _spec()), finished=False, digests={})
    library.save(record)
    return record


def running(root: Path) -> StudyRecord:
    """Half done, with a job at work on it."""
    record = partial(root)
    queue = JobQueue(root)
    queue.add(record.spec)
    job = queue.claim()
    assert job is not None
    part = Part("fp16", "estimate", 6_000, 12_000, 1_500.0)
    queue.report(job.lease, Progress("estimate", 60_000, 120_000, 1_500.0, 40.0, (part,)))
    return record


STUDIES: Mapping[str, Callable[[Path], StudyRecord]] = {
    one.__name__: one
    for one in (
        one_model,
        twelve_models,
        long_names,
        no_baseline,
        cirs_only,
        original_only,
        imported,
        partial,
        running,
    )
}


def _spec(**changes: object):  # type: ignore[no-untyped-def]
    texts = changes.pop("compressions", ("fp16", "prune:0.1"))
    compressions = tuple(parse_compression(one) for one in texts)
    return synthetic_spec(compressions=compressions, name=changes.pop("name", "a study"), **changes)


def _study(root: Path, **changes: object) -> StudyRecord:
    return synthetic_study(Library(root, root.parent / "none"), _spec(**changes))
