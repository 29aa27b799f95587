"""What is said of jobs."""

from pathlib import Path

import pytest

from irs_core.jobs import JobQueue
from ui.shared import job_queue


def test_log_tail_is_the_end_of_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IRS_STORE", str(tmp_path))
    assert job_queue.log_tail(1) == ""
    path = JobQueue(tmp_path).log_path(1)
    path.parent.mkdir(parents=True)
    path.write_text("\n".join(str(line) for line in range(5000)))
    assert job_queue.log_tail(1, lines=2) == "4998\n4999"
