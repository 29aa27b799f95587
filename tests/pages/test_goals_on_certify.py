"""Goals on the Certify page: the pilot, what it predicts, the job that is started."""

from dataclasses import replace
from pathlib import Path

import pytest
from app_pages import open_page, texts
from streamlit.testing.v1 import AppTest

from irs_core.goals.goal import chosen_spec, find_pilot, goal_spec, predict
from irs_core.jobs import JobQueue
from irs_core.methods.kit.cirs_plan import pilot_spec
from irs_core.run.study import run_study
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.goal import Goal
from irs_core.spec.study import DataSpec, ModelSpec, NoiseSpec, StudySpec
from irs_core.store import Library
from ui.certify.goal_form import TITLES

INPUTS = 8
SPEC = StudySpec(
    model=ModelSpec("shipped:digits-0.50"),
    data=DataSpec(max=INPUTS, holdout=0),
    noise=NoiseSpec(0.5),
    compressions=(parse_compression("prune:0.1"),),
    n0=20,
    n=400,
    n_p=(40,),
    name="wish",
)
FORM = {
    "form_max": str(INPUTS),
    "form_holdout": "0",
    "form_kinds": "Pruning, global",
    "form_n0": "20",
    "form_n": "400",
    "form_name": "wish",
}


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.shared.launch.ensure_worker", lambda root: True)


@pytest.fixture(scope="module")
def pilot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pilot")
    run_study(pilot_spec(SPEC), Library(folder), until="pilot")
    return folder


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the study of a goal."""
    folder = tmp_path_factory.mktemp("ran")
    run_study(replace(goal_spec(SPEC), n_p=(60,)), Library(folder))
    return folder


def certify(**query: str) -> AppTest:
    at = open_page("certify", **{**FORM, **query})
    assert not at.exception
    return at


def buttons(at: AppTest) -> set[str | None]:
    return {button.key for button in at.button}


def test_without_a_goal_the_form_names_the_draws(store: Path) -> None:
    at = certify()
    assert "start" in buttons(at)
    assert at.slider(key="form_shares").value == (5, 30)
    assert "pilot" not in texts(at)
    assert "Goal as a file" not in [one.proto.label for one in at.get("download_button")]


def test_a_goal_asks_for_its_pilot_first(store: Path) -> None:
    at = certify(form_goal=TITLES["acr"], form_goal_acr="0.2")
    assert at.number_input(key="form_goal_acr").value == 0.2
    assert "start" not in buttons(at)
    assert not at.slider
    assert "3,400 draws" in texts(at)  # 8 inputs, 420 of the original and 5 of the compressed
    at.button(key="start_pilot").click().run()
    assert not at.exception
    (job,) = JobQueue(store).jobs()
    assert (job.until, job.spec) == ("pilot", pilot_spec(SPEC))
    assert "start_pilot" not in buttons(at)


def test_a_failed_pilot_says_why(store: Path) -> None:
    queue = JobQueue(store)
    queue.add(pilot_spec(SPEC), until="pilot")
    queue.finish(queue.claim().lease, "failed", "the disk is full")
    at = certify(form_goal=TITLES["draws"])
    assert "The pilot failed: the disk is full" in texts(at)
    assert "start_pilot" in buttons(at)


@pytest.mark.parametrize(
    ("query", "goal"),
    [
        ({"form_goal": TITLES["draws"], "form_goal_draws": "400"}, Goal(draws=400)),
        ({"form_goal": TITLES["acr"], "form_goal_acr": "0.1"}, Goal(acr=0.1)),
        ({"form_goal": TITLES["loss"], "form_goal_loss": "0.2"}, Goal(loss=0.2)),
    ],
)
def test_the_job_is_the_study_that_the_command_line_runs(
    pilot: Path, store: Path, monkeypatch: pytest.MonkeyPatch, query: dict[str, str], goal: Goal
) -> None:
    monkeypatch.setenv("IRS_STORE", str(pilot))
    library, asked = Library(pilot), goal_spec(SPEC)
    expected = chosen_spec(SPEC, goal, predict(find_pilot(asked, library), library))
    at = certify(**query)
    table = at.dataframe[0].value
    assert table["draws per input"].tolist() == [expected.n_p[0]]
    assert 0 < table["draws"][0] <= expected.n_p[0] * INPUTS
    assert table["expected ACR"][0] > 0
    assert "carries no confidence" in texts(at)
    assert "99.8%** per input (proven)" in texts(at)
    assert len(at.dataframe[2].value) == INPUTS
    labels = [one.proto.label for one in at.get("download_button")]
    assert {"Study as a file", "Goal as a file"} <= set(labels)
    at.button(key="start").click().run()
    assert not at.exception
    job = max(JobQueue(pilot).jobs(), key=lambda one: one.id)
    assert (job.until, job.spec) == ("end", expected)


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("overview", "cannot be compared fairly"),
        ("certified_accuracy", ""),
        ("pa_histogram", ""),
        ("inputs", ""),
        ("acr_time", "no baseline"),
        ("zeta_table", "CIRS drew others"),
        ("share", ""),
    ],
)
def test_what_a_goal_brought_is_shown(
    ran: Path, store: Path, monkeypatch: pytest.MonkeyPatch, page: str, said: str
) -> None:
    monkeypatch.setenv("IRS_STORE", str(ran))
    at = open_page(page)
    assert not at.exception
    assert not at.error
    if page == "inputs":
        assert any("under CIRS" in one.label for one in at.expander)
        return
    assert said in texts(at) + "".join(str(one.value) for one in at.header)


def test_a_goal_out_of_reach_is_a_sentence(
    pilot: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IRS_STORE", str(pilot))
    at = certify(form_goal=TITLES["acr"], form_goal_acr="2.5")
    assert "not expected to reach an average certified radius of 2.5" in at.error[0].value
    at = certify(form_goal=TITLES["draws"], form_goal_draws="10")
    assert "at least 6 draws per input, 48 in total" in at.error[0].value


def test_a_pilot_on_the_jobs_page_leads_to_its_goal(store: Path) -> None:
    queue = JobQueue(store)
    job = queue.add(pilot_spec(SPEC), until="pilot")
    queue.finish(queue.claim().lease, "done")
    at = open_page("jobs")
    assert not at.exception
    assert any("wish: pilot" in str(one.value) for one in at.markdown)
    at.button(key=f"clone-{job.id}").click().run()
    assert not at.exception
    assert at.title[0].value == "Certify"
    assert at.number_input(key="form_goal_draws").value == 20_000


def test_a_cloned_loss_keeps_its_goal() -> None:
    from ui.certify.clone import form_values

    lossy = replace(goal_spec(SPEC), n_p=(60,), max_loss=0.25)
    values = form_values(lossy)
    assert (values["form_goal"], values["form_goal_loss"]) == ("loss", 0.25)
    assert form_values(SPEC)["form_goal"] == "none"
