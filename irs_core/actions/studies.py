"""Actions on studies and bundles: bring in, take along, rename, tag, put away, delete, restore."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from irs_core.actions.acting import Acting, only_one, taking
from irs_core.actions.tidy import tidy
from irs_core.errors import StoreError, reason
from irs_core.foreign import asking as foreign
from irs_core.jobs import JobQueue
from irs_core.people import Action
from irs_core.report import CohenResults, import_cohen
from irs_core.store import Library, Study, StudyRecord
from irs_core.store.about import SHELVES, About, read_about, stored_path, write_about
from irs_core.store.bundle import read_bundle
from irs_core.store.naming import named
from irs_core.store.trash import Trashed, put, take_back, trashed


def import_bundle(acting: Acting, path: Path, *, replaces: bool = False) -> StudyRecord:
    """Bring in a bundle, which belongs to whoever does.

    It is read in this process, as files are that somebody at the machine names.

    Args:
        replaces: Take it in place of one of the same study, which is kept aside.

    Raises:
        NotAllowedError: They may not.
        BundleError: It is refused; the store is untouched.
    """
    with taking(acting, Action.IMPORT) as subject:
        if replaces and acting.person.name:
            raise StoreError("a bundle is replaced on the command line: ./irs import --replace")
        record = read_bundle(path).record
        subject.name = record.id
        _keep_bundle(acting, record.id, path, replaces=replaces)
    return record


def upload_bundle(acting: Acting, path: Path) -> tuple[str, str]:
    """The same for a file that somebody sent, which a child process reads; the study's id and
    title."""
    with taking(acting, Action.IMPORT) as subject:
        study, title = foreign.check_bundle(path)
        subject.name = study
        _keep_bundle(acting, study, path)
    return study, title


def _keep_bundle(acting: Acting, study_id: str, path: Path, *, replaces: bool = False) -> None:
    """Keep a bundle that was verified; it belongs to whoever brought the first of its study."""
    with only_one(acting.root):
        known = stored_path(acting.root, "bundles", study_id).exists()
        try:
            content = path.read_bytes()
        except OSError as error:
            raise StoreError(f"cannot keep the bundle: {reason(error)}") from None
        Library(acting.root).keep_bundle(study_id, content, replace=replaces)
        if not known:
            write_about(acting.root, "bundles", study_id, About(owner=acting.person.name))


def _library(acting: Acting) -> Library:
    """The library, which has bundles that nobody verified yet read in a child process."""
    return Library(acting.root, check=foreign.check_bundle)


def import_results(acting: Acting, path: Path) -> CohenResults:
    """Bring in results per input from a file that somebody at the machine names.

    Raises:
        NotAllowedError: They may not.
        DatasetError: The file is not in the format; the store is untouched.
    """
    with taking(acting, Action.IMPORT) as subject:
        found = import_cohen(path, acting.root)
        subject.name = found.digest[:16]
        return found


def upload_results(acting: Acting, path: Path) -> None:
    """The same for a file that somebody sent, which a child process reads."""
    with taking(acting, Action.IMPORT, path.name):
        foreign.import_results(path, acting.root)


def export(acting: Acting, study_id: str, path: Path | None = None) -> bytes:
    """A study as a bundle.

    Args:
        path: Where to write it as well; a study that is a bundle already is then refused.

    Raises:
        NotAllowedError: They may not.
        StoreError: There is no such study, it does not verify, or the disk refuses.
    """
    with taking(acting, Action.EXPORT, study_id):
        library = _library(acting)
        if path is None:
            return library.bundle_bytes(study_id)
        library.export(study_id, path)
        return b""


def rename(acting: Acting, study_id: str, title: str) -> str:
    """Show a study under another title; empty for its own. Its id, which is given back, stays.

    Raises:
        NotAllowedError: They may not.
        StoreError: There is no such study, or the title is too long.
    """
    study = _library(acting).open(study_id)
    with taking(acting, Action.RENAME, study.record.id, owner=study.owner), only_one(acting.root):
        _note(acting, study, title=title.strip())
    return study.record.id


def tag(
    acting: Acting, study_id: str, tags: Sequence[str] | None = None, *, pinned: bool | None = None
) -> str:
    """Give a study other tags, pin it before others in lists, or both; None leaves one as it is.

    Returns:
        Its id.

    Raises:
        NotAllowedError: They may not.
        StoreError: There is no such study, or a tag is too long.
    """
    study = _library(acting).open(study_id)
    changes: dict[str, object] = {}
    if tags is not None:
        changes["tags"] = tuple(sorted({one.strip() for one in tags if one.strip()}))
    if pinned is not None:
        changes["pinned"] = pinned
    with taking(acting, Action.TAG, study.record.id, owner=study.owner), only_one(acting.root):
        _note(acting, study, **changes)
    return study.record.id


def archive(acting: Acting, study_id: str, *, archived: bool = True) -> str:
    """Leave a study out of lists and pickers, or take it back in; links open it either way.

    Returns:
        Its id.

    Raises:
        NotAllowedError: They may not.
        StoreError: There is no such study.
    """
    study = _library(acting).open(study_id)
    with taking(acting, Action.ARCHIVE, study.record.id, owner=study.owner), only_one(acting.root):
        _note(acting, study, archived=archived)
    return study.record.id


def delete(acting: Acting, study_id: str) -> Trashed:
    """Move a study or an imported bundle to the trash.

    Evidence stays where it is until the trash is emptied, and then where another study uses it.

    Raises:
        NotAllowedError: They may not.
        StoreError: There is no such study, it comes with the program, or a job works on it.
    """
    study = _library(acting).open(study_id)
    record = study.record
    with taking(acting, Action.DELETE, record.id, owner=study.owner), only_one(acting.root):
        if study.origin == "shipped":
            raise StoreError(
                f"study {record.id} comes with the program and cannot be deleted; archive it to "
                "leave it out of lists"
            )
        jobs = JobQueue(acting.root).jobs()
        active = [job.id for job in jobs if job.study == record.id and job.active]
        if active and study.origin == "live":
            raise StoreError(f"job {active[0]} works on study {record.id}: cancel it first")
        shelf = SHELVES[study.origin]
        gone = put(acting.root, shelf, record.id, title=record.title, record=record)
    tidy(acting.root)
    return gone


def restore(acting: Acting, name: str) -> Trashed:
    """Take something back from the trash.

    Args:
        name: Its mark there; or the id of a study or an upload, or first digits of one, for what
            was deleted last of that id.

    Raises:
        NotAllowedError: They may not.
        StoreError: Nothing of that id is in the trash, or there is one again.
    """
    there = trashed(acting.root)
    marked = {one.mark: one for one in there}
    found = marked.get(name) or named(name, {one.name: one for one in reversed(there)})
    if found is None:
        raise StoreError(f"nothing in the trash is called {name!r}; ./irs studies --trash lists it")
    with taking(acting, Action.RESTORE, found.name, owner=found.owner), only_one(acting.root):
        take_back(acting.root, found)
    return found


def _note(acting: Acting, study: Study, **changes: object) -> None:
    shelf, name = SHELVES[study.origin], study.record.id
    about = read_about(acting.root, shelf, name)
    write_about(acting.root, shelf, name, replace(about, **changes))  # type: ignore[arg-type]
