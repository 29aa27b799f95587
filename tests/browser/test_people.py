"""People sign in at a provider, in a real browser, and each does what their role allows."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from people_at_work import OTHER, RUNNER, VIEWER, spec
from settled import keyed, settle
from synthetic import synthetic_study

from irs_core.jobs import JobQueue
from irs_core.people.audit import entries
from irs_core.store import Library
from irs_core.store.about import About, write_about

pytest.importorskip("playwright.sync_api")
from oidc_provider import Provider, served
from playwright.sync_api import Page, expect

TIMEOUT = 120_000
STRANGER = "stranger@example.org"
SMALL = "form_n=500000&form_max=5&form_holdout=0&form_kinds=16-bit+weights+(fp16)"


@dataclass(frozen=True)
class Team:
    """An app with a store in which one runner has a study and an ended job."""

    app: str
    store: Path
    study: str
    job: int


@pytest.fixture(autouse=True)
def patient() -> None:
    expect.set_options(timeout=TIMEOUT)


@pytest.fixture(scope="module")
def team(serve: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    folder = tmp_path_factory.mktemp("team")
    people = folder / "people.toml"
    lines = [f'"{one.name}" = "{one.role}"' for one in (VIEWER, RUNNER, OTHER)]
    people.write_text("\n".join(["[people]", *lines]))
    store = folder / "store"
    record = synthetic_study(Library(store), spec(1))
    write_about(store, "studies", record.id, About(owner=OTHER.name))
    job = JobQueue(store).add(spec(2), owner=OTHER.name).id
    JobQueue(store).cancel(job)
    with served(Provider([VIEWER.name, RUNNER.name, OTHER.name, STRANGER])) as provider:
        keys = folder / "secrets.toml"
        keys.write_text(provider.secrets_file())
        app = serve(
            shipped=False,
            environment={"IRS_STORE": str(store), "IRS_PEOPLE": str(people)},
            options=["--secrets.files", str(keys)],
        )
        yield Team(app, store, record.id, job)


@pytest.fixture
def enter(team: Team, browser: Any) -> Iterator[Callable[[str], Page]]:
    """Opens a browser of its own for somebody and signs them in."""
    contexts = []

    def sign_in(name: str) -> Page:
        contexts.append(browser.new_context(viewport={"width": 1440, "height": 1000}))
        contexts[-1].set_default_timeout(TIMEOUT)
        page: Page = contexts[-1].new_page()
        page.goto(f"{team.app}/studies")
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("link", name=name).click()
        page.wait_for_url(f"{team.app}/**")
        return page

    yield sign_in
    for context in contexts:
        context.close()


def choose(page: Page, study: str) -> None:
    """Choose a study on the page Studies by typing a part of its id."""
    field = keyed(page, "manage").locator("input")
    expect(field).to_be_visible()
    settle(page)
    field.fill(study[:6])
    field.press("Enter")
    expect(keyed(page, f"title-{study}").locator("input")).to_be_visible()
    settle(page)


def off(page: Page, *labels: str) -> None:
    """Each of these buttons is there and cannot be pressed."""
    for label in labels:
        expect(page.get_by_role("button", name=label, exact=True).first).to_be_disabled()


def test_nothing_is_shown_before_signing_in_nor_to_strangers(
    team: Team, page: Page, enter: Callable[[str], Page]
) -> None:
    # A deep link first: Streamlit runs the page of the very first one without app.py.
    for place in (f"overview?study={team.study}", "jobs", ""):
        page.goto(f"{team.app}/{place}")
        expect(page.get_by_role("button", name="Sign in")).to_be_visible()
        expect(page.get_by_role("heading")).to_have_text(["Sign in"])
        expect(page.get_by_text("synthetic")).to_have_count(0)
    stranger = enter(STRANGER)
    expect(stranger.get_by_text(f"{STRANGER.capitalize()} is not let in")).to_be_visible()
    expect(stranger.get_by_role("heading")).to_have_count(0)


def assert_hint(page: Page, button: str, hint: str) -> None:
    """A hint goes when the page is drawn anew under the mouse, so that pointing is tried again."""
    settle(page)
    for _ in range(10):
        page.get_by_role("button", name=button, exact=True).hover()
        with suppress(AssertionError):
            expect(page.get_by_text(hint)).to_be_visible(timeout=TIMEOUT / 10)
            return
        page.mouse.move(0, 0)
    raise AssertionError(f"no hint {hint!r} at the button {button}")


def test_a_viewer_looks_and_changes_nothing(team: Team, enter: Callable[[str], Page]) -> None:
    page = enter(VIEWER.name)
    expect(page.get_by_text("viewer: looks at every study")).to_be_visible()
    page.goto(f"{team.app}/overview?study={team.study}")
    expect(page.get_by_test_id("stMetricValue").first).to_be_visible()
    page.goto(f"{team.app}/jobs")
    off(page, "Retry")
    page.goto(f"{team.app}/studies")
    assert_hint(page, "Delete", "The role viewer may not delete this")
    off(page, "Rename", "Archive", "Delete")
    page.goto(f"{team.app}/certify?{SMALL}")
    off(page, "Start")
    for place, key in (("share", "upload"), ("share", "upload_tsv")):
        page.goto(f"{team.app}/{place}")
        expect(keyed(page, key).locator("input[type=file]")).to_be_disabled()
    page.goto(f"{team.app}/models_and_data")
    page.get_by_text("Check your own model").click()
    expect(keyed(page, "check_weights_upload").locator("input[type=file]")).to_be_disabled()
    expect(keyed(page, "check_weights").locator("input")).to_be_disabled()
    assert [one for one in entries(team.store) if one.who == VIEWER.name] == []


def test_a_runner_starts_and_stops_what_is_theirs(team: Team, enter: Callable[[str], Page]) -> None:
    page = enter(RUNNER.name)
    page.goto(f"{team.app}/certify?{SMALL}&form_name=endless")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_text("is in the queue")).to_be_visible()
    page.goto(f"{team.app}/jobs")
    own, others = (keyed(page, f"job-{number}") for number in (team.job + 1, team.job))
    expect(others.get_by_role("button", name="Retry")).to_be_disabled()
    viewer = enter(VIEWER.name)
    viewer.goto(f"{team.app}/jobs")
    seen = keyed(viewer, f"job-{team.job + 1}")
    expect(seen.get_by_role("button", name="Cancel")).to_be_disabled()
    own.get_by_role("button", name="Cancel").click()
    expect(own).to_contain_text("cancelled")
    page.goto(f"{team.app}/studies")
    choose(page, team.study)
    off(page, "Rename", "Archive", "Delete")
    done = [one for one in entries(team.store) if one.who == RUNNER.name]
    assert [(one.action, one.result) for one in done] == [("launch", "done"), ("cancel", "done")]


def test_an_owner_deletes_and_takes_back_and_signs_out(
    team: Team, enter: Callable[[str], Page]
) -> None:
    page = enter(OTHER.name)
    page.goto(f"{team.app}/studies")
    choose(page, team.study)
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("Deleted: ")).to_be_visible()
    assert not (team.store / "studies" / f"{team.study}.json").exists()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    settle(page)
    assert (team.store / "studies" / f"{team.study}.json").exists()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
