"""How an app reads a file that somebody sends, by its kind; without what makes such files."""

from pathlib import Path

from irs_core.foreign import asking as foreign
from irs_core.sandbox import in_child
from irs_core.spec.study import DataSpec, ModelSpec


def send(how: str, path: Path, store: Path) -> object:
    """Read a file as the app does, below the listed folders.

    Args:
        how: `model`, `data`, `bundle`, `results`, `study`, `classes`, or KIND:N, a data set whose
            root is N folders above the file.
        store: For what is kept.

    Raises:
        IrsError: It is refused.
    """
    if how == "model":
        foreign.check_model_file(path)
        return foreign.dry_run(ModelSpec(str(path)), DataSpec(max=4), 0.5, (), store)
    if how == "data":
        return foreign.check_data_file(path)
    if how == "bundle":
        return foreign.check_bundle(path)
    if how == "results":
        foreign.import_results(path, store)
        return foreign.results(store)
    if how == "study":
        return in_child(study_id, str(path), what=path.name)
    if how == "classes":
        return _data(DataSpec("image-folder", str(path.parent), class_list=str(path)), store)
    kind, _, above = how.partition(":")
    root = path.parents[int(above) - 1] if int(above) else path
    return _data(DataSpec(kind, str(root)), store)  # type: ignore[arg-type]


def study_id(path: str) -> str:
    """The id of the study in a file, as the command line reads it."""
    from irs_core.spec.study_file import read_study_file

    return read_study_file(Path(path)).spec.id


def _data(spec: DataSpec, store: Path) -> object:
    """Looked at, and an image read."""
    foreign.data_facts(spec, store)
    return foreign.read_images(spec, [0], [0], [0], store)
