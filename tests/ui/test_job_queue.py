"""What is said of jobs."""

from pathlib import Path

from synthetic import synthetic_spec

from irs_core.actions import Acting
from irs_core.jobs import JobQueue
from ui.shared import job_queue


def test_log_tail_is_the_end_of_the_log(tmp_path: Path) -> None:
    me = Acting(tmp_path)
    job = JobQueue(tmp_path).add(synthetic_spec())
    assert job_queue.log_tail(me, job.id) == ""
    path = JobQueue(tmp_path).log_path(job.id)
    path.parent.mkdir(parents=True)
    path.write_text("\n".join(str(line) for line in range(5000)))
    assert job_queue.log_tail(me, job.id, lines=2) == "4998\n4999"
