"""Every action, tried by every role: a viewer changes nothing, a runner only what is theirs."""

import hashlib
from pathlib import Path

import pytest
from people_at_work import ADMIN, OTHER, RUNNER, VIEWER, spec
from synthetic import synthetic_study

from irs_core.actions import Acting, jobs, studies, taking, tidy, training, uploads
from irs_core.errors import NotAllowedError
from irs_core.jobs import JobQueue
from irs_core.people import VISITOR, Action, Person, Role
from irs_core.people.audit import entries
from irs_core.spec.study import DataSpec, ModelSpec
from irs_core.store import Library
from irs_core.store.about import About, write_about
from irs_core.train.task import denoiser_training

# What pages guard by themselves, having nothing to call: a path that is typed, a dry run.
ON_PAGES = {Action.READ_FILE, Action.CHECK}
OWNED = {
    Action.CANCEL,
    Action.RETRY,
    Action.REORDER,
    Action.READ_LOG,
    Action.DELETE,
    Action.RESTORE,
    Action.RENAME,
    Action.TAG,
    Action.ARCHIVE,
}


def denoiser():
    """A training that the store keeps."""
    return denoiser_training(ModelSpec("shipped:digits-clean"), DataSpec(), 0.5, against=True)


class World:
    """A store in which everything belongs to one owner."""

    def __init__(self, root: Path, owner: str, bundle: Path, npz: bytes) -> None:
        self.root, self.bundle, self.npz = root, bundle, npz
        library = Library(root)
        self.study = synthetic_study(library, spec(1)).id
        self.gone = synthetic_study(library, spec(2)).id
        for one in (self.study, self.gone):
            write_about(root, "studies", one, About(owner=owner))
        me = Acting(root, Person(owner, Role.ADMIN))
        studies.delete(me, self.gone)
        queue = JobQueue(root)
        self.waiting = queue.add(spec(3), owner=owner).id
        self.later = queue.add(spec(4), owner=owner).id
        self.ended = queue.add(spec(5), owner=owner).id
        queue.cancel(self.ended)
        queue.log_path(self.waiting).parent.mkdir(parents=True, exist_ok=True)
        queue.log_path(self.waiting).write_text("a secret path")
        self.upload = uploads.upload_data(me, "own.npz", npz[::-1], lambda path: None).path

    def state(self) -> tuple[object, ...]:
        """Everything that can be changed, but for the log of who tried."""
        files = {
            str(path.relative_to(self.root)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in self.root.rglob("*")
            if path.is_file()
            and path.relative_to(self.root).parts[0] != "audit"
            and not path.name.startswith(("jobs.sqlite", "actions.lock"))
        }
        return files, JobQueue(self.root).jobs()


def attempt(action: Action, world: World, me: Acting) -> object:
    """Take an action by what the engine offers, as no page ever could forbid."""
    tries = {
        Action.EXPORT: lambda: studies.export(me, world.study),
        Action.LAUNCH: lambda: jobs.launch(me, spec(9)),
        Action.DRAW_MORE: lambda: jobs.launch(me, spec(9), action=Action.DRAW_MORE),
        Action.TRAIN: lambda: training.start_training(me, denoiser()),
        Action.UPLOAD: lambda: uploads.upload_data(me, "x.npz", world.npz, lambda path: None),
        Action.IMPORT: lambda: studies.import_bundle(me, world.bundle),
        Action.START_WORKER: lambda: jobs.start_worker(me),
        Action.CANCEL: lambda: jobs.cancel(me, world.waiting),
        Action.RETRY: lambda: jobs.retry(me, world.ended),
        Action.REORDER: lambda: jobs.move(me, world.later, -1),
        Action.READ_LOG: lambda: jobs.read_log(me, world.waiting),
        Action.DELETE: lambda: studies.delete(me, world.study),
        Action.RESTORE: lambda: studies.restore(me, world.gone),
        Action.RENAME: lambda: studies.rename(me, world.study, "another"),
        Action.TAG: lambda: studies.tag(me, world.study, ["mine"]),
        Action.ARCHIVE: lambda: studies.archive(me, world.study),
        Action.EMPTY_TRASH: lambda: tidy.empty_trash(me),
    }
    return tries[action]()


TRIED = sorted(set(Action) - ON_PAGES)


@pytest.fixture
def world_of(root, tmp_path, npz, monkeypatch):
    monkeypatch.setattr("irs_core.actions.jobs.ensure_worker", lambda _: True)
    there = Library(tmp_path / "elsewhere")
    record = synthetic_study(there, spec(8))
    bundle = tmp_path / "theirs.irs.zip"
    there.export(record.id, bundle)
    return lambda owner: World(root, owner, bundle, npz())


@pytest.mark.parametrize("person", [VIEWER, VISITOR], ids=["viewer", "visitor"])
def test_a_viewer_changes_nothing(world_of, by, person):
    world = world_of(VIEWER.name)
    before = world.state()
    for action in TRIED:
        if action == Action.EXPORT:
            continue
        with pytest.raises(NotAllowedError):
            attempt(action, world, by(person))
    assert world.state() == before
    refused = [one for one in entries(world.root) if one.who == person.name][-len(TRIED) + 1 :]
    assert {(one.action, one.result) for one in refused} == {
        (action, "refused") for action in TRIED if action != Action.EXPORT
    }


@pytest.mark.parametrize("owner", [OTHER.name, ""], ids=["another", "nobody"])
def test_a_runner_changes_nothing_of_others(world_of, by, owner):
    world = world_of(owner)
    before = world.state()
    for action in sorted(OWNED | {Action.EMPTY_TRASH}):
        with pytest.raises(NotAllowedError):
            attempt(action, world, by(RUNNER))
    with pytest.raises(NotAllowedError):
        uploads.delete_upload(by(RUNNER), world.upload.parent.name)
    assert world.state() == before


def does(action: Action, world: World, me: Acting) -> None:
    """They take the action, and it is noted as theirs; what is only read is given and not noted."""
    found = attempt(action, world, me)
    if action == Action.READ_LOG:
        assert found == "a secret path"
        return
    last = list(entries(world.root))[-1]
    assert (last.who, last.action, last.result) == (me.person.name, action, "done")


@pytest.mark.parametrize("action", [one for one in TRIED if one != Action.EMPTY_TRASH])
def test_a_runner_does_what_is_theirs(world_of, by, action):
    does(action, world_of(RUNNER.name), by(RUNNER))


@pytest.mark.parametrize("action", TRIED)
def test_an_admin_does_everything(world_of, by, action):
    does(action, world_of(OTHER.name), by(ADMIN))


def test_what_is_sent_is_asked_for_as_what_is_named(world_of, by, tmp_path):
    world = world_of(RUNNER.name)
    table = tmp_path / "r.tsv"
    table.write_text("idx\tlabel\tpredict\tradius\tcorrect\ttime\n0\t1\t1\t0.5\t1\t0.1\n")
    before = world.state()
    for act, path in ((studies.upload_bundle, world.bundle), (studies.upload_results, table)):
        with pytest.raises(NotAllowedError):
            act(by(VIEWER), path)
    assert world.state() == before
    study, title = studies.upload_bundle(by(RUNNER), world.bundle)
    assert Library(world.root).open(study).record.title == title
    assert Library(world.root).open(study).owner == RUNNER.name


def test_what_pages_guard_is_asked_in_the_same_place(root, by):
    for action in sorted(ON_PAGES):
        with pytest.raises(NotAllowedError), taking(by(VIEWER), action):
            raise AssertionError("the block was entered")
        with taking(by(RUNNER), action):
            pass


def test_a_failure_is_noted_with_its_reason(root, by):
    with pytest.raises(KeyError), taking(by(ADMIN), Action.CHECK, "x"):
        raise KeyError
    (entry,) = entries(root)
    assert (entry.result, entry.why) == ("failed", "it was interrupted")
