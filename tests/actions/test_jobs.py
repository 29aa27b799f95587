"""Jobs of several people in one queue."""

import pytest
from people_at_work import ADMIN, OTHER, RUNNER, spec

from irs_core.actions import jobs
from irs_core.errors import NotAllowedError
from irs_core.jobs import JobQueue
from irs_core.people import OPERATOR
from irs_core.store import Library
from irs_core.store.about import read_about


def waiting(root):
    return [job.spec.noise.seed for job in JobQueue(root).jobs() if job.state == "queued"]


def test_a_job_and_its_study_belong_to_who_asked_first(root, by, study):
    job = jobs.launch(by(RUNNER), spec(1))
    assert job.owner == RUNNER.name
    assert jobs.launch(by(OTHER), spec(1)).id == job.id
    with pytest.raises(NotAllowedError, match=f"belongs to {RUNNER.name}"):
        jobs.cancel(by(OTHER), job.id)
    study(1)
    (stored,) = Library(root).studies()
    assert stored.owner == RUNNER.name


def test_a_study_that_is_there_keeps_its_owner(root, by, study):
    record = study(1)
    jobs.launch(by(RUNNER), spec(1))
    assert Library(root).open(record.id).owner == ""


def test_a_study_that_never_was_belongs_to_who_starts_it_next(root, by):
    job = jobs.launch(by(OTHER), spec(1))
    jobs.cancel(by(OTHER), job.id)
    jobs.launch(by(RUNNER), spec(1))
    assert read_about(root, "studies", spec(1).id).owner == RUNNER.name


def test_jobs_of_the_machine_belong_to_admins(root, by):
    job = jobs.launch(by(OPERATOR), spec(1))
    with pytest.raises(NotAllowedError, match="belongs to nobody"):
        jobs.cancel(by(RUNNER), job.id)
    jobs.cancel(by(ADMIN), job.id)


def test_what_does_not_fit_is_not_queued(root, by):
    def refuse():
        raise NotAllowedError("it does not fit")

    with pytest.raises(NotAllowedError, match="fit"):
        jobs.launch(by(RUNNER), spec(1), check=refuse)
    assert JobQueue(root).jobs() == []


def test_a_runner_moves_a_job_past_their_own_only(root, by):
    queue = JobQueue(root)
    for seed, person in enumerate([OTHER, RUNNER, OTHER, RUNNER, RUNNER]):
        queue.add(spec(seed), owner=person.name)
    last = queue.jobs()[-1].id
    jobs.move(by(RUNNER), last, -1_000_000)
    # Places of others: first and third, as before.
    assert waiting(root) == [0, 4, 2, 1, 3]
    jobs.move(by(ADMIN), last, -1_000_000)
    assert waiting(root) == [4, 0, 2, 1, 3]


def test_the_log_is_read_by_its_owner_and_by_admins(root, by):
    job = jobs.launch(by(RUNNER), spec(1))
    assert jobs.read_log(by(RUNNER), job.id) == ""
    path = JobQueue(root).log_path(job.id)
    path.parent.mkdir(parents=True)
    path.write_text("0123456789")
    assert jobs.read_log(by(RUNNER), job.id, size=3) == "789"
    assert jobs.read_log(by(ADMIN), job.id) == "0123456789"
    with pytest.raises(NotAllowedError):
        jobs.read_log(by(OTHER), job.id)
