"""What people of each role see and can press; what somebody presses who may not."""

from collections.abc import Callable
from pathlib import Path

import pytest
from app_pages import open_page, texts
from people_at_work import ADMIN, OTHER, RUNNER, VIEWER, spec
from streamlit.testing.v1 import AppTest
from synthetic import synthetic_study

from irs_core.jobs import JobQueue
from irs_core.people import Action, Person
from irs_core.people.audit import entries
from irs_core.store import Library
from irs_core.store.about import About, write_about
from irs_core.store.trash import trashed
from ui.shared import library as shared_library
from ui.shared.page_list import PAGES

# They show something else, and change nothing that is kept.
HARMLESS = {"Sign out", "Edit and run again", "Back", "Next"}
SignIn = Callable[[Person | None], None]


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("irs_core.actions.jobs.ensure_worker", lambda _: True)
    monkeypatch.setattr("ui.shared.launch.ensure_worker", lambda _: True)


@pytest.fixture
def sign_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SignIn:
    """Says who uses the app from here on; None for somebody who has yet to sign in."""
    file = tmp_path / "people.toml"
    lines = [f'"{one.name}" = "{one.role}"' for one in (VIEWER, RUNNER, OTHER, ADMIN)]
    file.write_text("\n".join(["[people]", *lines]))
    monkeypatch.setenv("IRS_PEOPLE", str(file))
    monkeypatch.setattr("ui.shared.who._providers", lambda: [""])

    def use(person: Person | None) -> None:
        claims = {"is_logged_in": person is not None}
        claims |= {"email": person.name} if person else {}
        monkeypatch.setattr("ui.shared.who._claims", lambda: claims)

    return use


def a_study_and_jobs(store: Path, owner: str) -> dict[str, int]:
    """A study and jobs in every state that has buttons, all of one owner."""
    record = synthetic_study(Library(store), spec(1))
    write_about(store, "studies", record.id, About(owner=owner))
    queue = JobQueue(store)
    ids = {
        name: queue.add(spec(seed), owner=owner).id
        for seed, name in enumerate(("running", "waiting", "later", "ended"), start=10)
    }
    queue.cancel(ids["ended"])
    queue.claim("worker")
    log = queue.log_path(ids["running"])
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("a secret path")
    return ids


def buttons(at: AppTest) -> dict[str, bool]:
    """Whether each button that could change something is disabled, with its reason, by label."""
    return {
        one.label: one.disabled and bool(one.help)
        for one in at.button
        # They open an input to look at.
        if not str(one.key).startswith("open-")
    }


@pytest.mark.parametrize("page", PAGES)
def test_before_signing_in_no_page_shows_anything(store: Path, sign_in: SignIn, page: str) -> None:
    a_study_and_jobs(store, "")
    sign_in(None)
    at = open_page(page)
    assert not at.exception
    assert [one.value for one in at.title] == ["Sign in"]
    assert [one.label for one in at.button] == ["Sign in"]
    assert not at.get("download_button")
    assert "synthetic" not in texts(at)


def test_without_the_package_the_page_says_how_to_get_it(
    store: Path, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.shared.who.find_spec", lambda _: None)
    sign_in(None)
    at = open_page("jobs")
    assert not at.button
    assert 'pip install "Authlib' in at.error[0].value


def test_who_is_not_listed_sees_the_reason_and_nothing_else(store: Path, sign_in: SignIn) -> None:
    a_study_and_jobs(store, "")
    sign_in(Person("stranger@example.org", VIEWER.role))
    at = open_page("jobs")
    assert not at.title
    assert "Stranger@example.org is not let in" in at.error[0].value
    assert [one.label for one in at.button] == ["Sign out"]


@pytest.mark.parametrize("page", PAGES)
def test_a_viewer_can_press_nothing_that_changes(store: Path, sign_in: SignIn, page: str) -> None:
    a_study_and_jobs(store, VIEWER.name)
    sign_in(VIEWER)
    at = open_page(page)
    assert not at.exception
    assert not [one for one, off in buttons(at).items() if not off and one not in HARMLESS]
    assert all(one.proto.disabled for one in at.get("file_uploader"))
    assert "secret" not in texts(at) + " ".join(one.value for one in at.code)
    if page == "jobs":
        assert {"Cancel", "Run first", "Later", "Retry"} <= set(buttons(at))
    if page == "studies":
        assert {"Rename", "Archive", "Delete"} <= set(buttons(at))


def test_a_page_that_forgets_to_disable_a_button_is_refused(
    store: Path, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = a_study_and_jobs(store, VIEWER.name)
    before = JobQueue(store).jobs()
    sign_in(VIEWER)
    # Logs are read without a click, so that a page without its guard would end right there.
    monkeypatch.setattr(
        "ui.shared.who.why_not", lambda action, owner="": "x" * (action == Action.READ_LOG)
    )

    def pressed(page: str, key: str) -> str:
        at = open_page(page).button(key=key).click().run()
        assert not at.exception
        return str(at.error[0].value)

    for key in (f"cancel-{ids['running']}", f"first-{ids['later']}", f"retry-{ids['ended']}"):
        assert "role viewer may not" in pressed("jobs", key)
    for key in ("rename", "archive", "delete"):
        assert "role viewer may not" in pressed("studies", key)
    assert "role viewer may not start a study" in pressed("certify", "start")
    at = open_page("share")
    at.file_uploader(key="upload").upload("x.irs.zip", b"PK").run()
    assert "role viewer may not import" in at.error[0].value
    at = open_page("models_and_data")
    at.file_uploader(key="check_weights_upload").upload("x.onnx", b"x").run()
    assert "role viewer may not upload" in at.error[0].value
    at = open_page("models_and_data")
    at.text_input(key="check_weights").set_value("/etc/passwd").run()
    assert "role viewer may not name files" in at.error[0].value
    at = open_page("models_and_data")
    at.selectbox(key="check_kind").set_value("npz").run()
    at.text_input(key="check_root").set_value("/etc/passwd").run()
    assert "role viewer may not name files" in at.error[0].value
    assert JobQueue(store).jobs() == before
    assert len(Library(store).studies()) == 1
    assert not (store / "uploads").exists()
    assert {one.result for one in entries(store)} == {"refused"}


def test_a_runner_can_press_what_is_theirs(store: Path, sign_in: SignIn) -> None:
    ids = a_study_and_jobs(store, RUNNER.name)
    sign_in(RUNNER)
    at = open_page("jobs")
    assert not any(buttons(at).values())
    assert "a secret path" in at.code[0].value
    at.button(key=f"cancel-{ids['waiting']}").click().run()
    assert JobQueue(store).get(ids["waiting"]).state == "cancelled"
    at = open_page("studies")
    assert not any(buttons(at).values())
    at.button(key="delete").click().run()
    assert Library(store).studies() == []


def test_a_runner_can_press_nothing_of_others(store: Path, sign_in: SignIn) -> None:
    a_study_and_jobs(store, OTHER.name)
    sign_in(RUNNER)
    at = open_page("jobs")
    # A worker runs whatever waits, and is everybody's.
    harmless = {*HARMLESS, "Start a worker"}
    assert not [one for one, off in buttons(at).items() if not off and one not in harmless]
    assert not at.code
    assert f"started by {OTHER.name}" in texts(at)
    at = open_page("studies")
    assert not [one for one, off in buttons(at).items() if not off and one not in HARMLESS]
    at = open_page("certify")
    assert not at.button(key="start").disabled


def test_what_a_runner_starts_is_theirs(store: Path, sign_in: SignIn) -> None:
    sign_in(RUNNER)
    at = open_page("certify")
    at.button(key="start").click().run()
    assert not at.error
    (job,) = JobQueue(store).jobs()
    assert job.owner == RUNNER.name
    (line,) = entries(store)
    assert (line.who, line.action, line.on, line.result) == (
        RUNNER.name,
        "launch",
        job.study,
        "done",
    )


def test_an_upload_is_kept_and_noted_once(store: Path, sign_in: SignIn) -> None:
    sign_in(RUNNER)
    at = open_page("share")
    at.file_uploader(key="upload_tsv").upload(
        "theirs.tsv", b"idx\tlabel\tpredict\tradius\tcorrect\ttime\n0\t1\t1\t0.5\t1\t0.1\n"
    ).run()
    assert not at.error
    at.run()
    assert [one.action for one in entries(store)] == ["import"]


def test_a_study_is_renamed_put_away_deleted_and_taken_back(store: Path) -> None:
    record = synthetic_study(Library(store), spec(1))
    at = open_page("studies")
    at.text_input(key=f"title-{record.id}").set_value("Another title").run()
    at.button(key="rename").click().run()
    assert at.success[0].value == "Renamed: Another title."
    assert at.dataframe[0].value["title"].tolist() == ["Another title"]
    at.button(key="archive").click().run()
    assert at.dataframe[0].value["state"].tolist() == ["finished, archived"]
    at.button(key="delete").click().run()
    assert at.dataframe[0].value["id"].tolist() == [record.id]
    assert [one.name for one in trashed(store)] == [record.id]
    at.button(key="undo").click().run()
    assert not at.exception
    assert trashed(store) == []
    assert Library(store).open(record.id).record.title == "Another title"


def test_an_archived_study_is_in_no_picker_and_opened_by_its_link(store: Path) -> None:
    library = Library(store)
    hidden, shown = (synthetic_study(library, spec(seed, name=f"S{seed}")) for seed in (1, 2))
    write_about(store, "studies", hidden.id, About(archived=True))
    at = open_page("overview")
    assert [one[:2] for one in at.selectbox(key="study_picker").options] == ["S2"]
    at = open_page("overview", study=hidden.id)
    assert not at.exception
    assert at.selectbox(key="study_picker").value == hidden.id
    assert shown.id in {one.record.id for one in shared_library.list_studies()}


@pytest.mark.parametrize("page", PAGES)
def test_a_demo_is_read_only_and_says_so(
    tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    shipped = synthetic_study(Library(tmp_path / "elsewhere"), spec(1, name="shipped"))
    Library(tmp_path / "elsewhere").export(shipped.id, tmp_path / "shipped" / "x.irs.zip")
    a_study_and_jobs(store, "")
    monkeypatch.setenv("IRS_DEMO", "1")
    at = open_page(page)
    assert not at.exception
    assert at.info[0].value.startswith("This is a demo")
    assert [one.record.id for one in shared_library.list_studies()] == [shipped.id]
    assert not [one for one, off in buttons(at).items() if not off and one not in HARMLESS]
    assert all(one.proto.disabled for one in at.get("file_uploader"))
    assert shared_library.store_root() != store
