"""The commands `jobs` and `worker`."""

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from irs_core.actions import Acting
from irs_core.actions import jobs as actions
from irs_core.cli.options import add_store_option
from irs_core.cli.printing import print_json
from irs_core.jobs import Job, JobQueue, run_job, work
from irs_core.jobs.worker import IDLE_EXIT_SECONDS


def add_jobs(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command `jobs`."""
    parser = commands.add_parser("jobs", help="list, cancel, retry and read background jobs")
    add_store_option(parser)
    parser.add_argument("--json", action="store_true", help="print the list as JSON")
    parser.set_defaults(run=_list)
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    for name, text in (
        ("list", "all jobs, and how far those that run are (the same without an action)"),
        ("cancel", "stop a job; its evidence is kept"),
        ("retry", "queue an ended job again"),
        ("log", "print a job's log"),
        ("run", "run one claimed job here (used by workers)"),
    ):
        action = actions.add_parser(name, help=text)
        add_store_option(action, again=True)
        if name != "list":
            action.add_argument("id", type=int)
            action.set_defaults(run=_on_job, action=name)
        if name == "run":
            action.add_argument("--parent", type=int, metavar="PID", help="its worker")


def add_worker(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command `worker`."""
    parser = commands.add_parser("worker", help="run queued jobs")
    add_store_option(parser)
    parser.add_argument("--once", action="store_true", help="stop when nothing waits")
    parser.add_argument(
        "--single",
        action="store_true",
        help="stop at once if another --single worker serves the store",
    )
    parser.add_argument(
        "--idle-exit",
        type=float,
        default=IDLE_EXIT_SECONDS,
        metavar="SECONDS",
        help="stop after so long without work (default: %(default)g)",
    )
    parser.set_defaults(
        run=lambda a: work(a.store, once=a.once, single=a.single, idle_exit=a.idle_exit)
    )


def _list(arguments: argparse.Namespace) -> None:
    if arguments.json:
        print_json("jobs", {"jobs": [_as_json(job) for job in JobQueue(arguments.store).jobs()]})
        return
    for job in JobQueue(arguments.store).jobs():
        running = job.state == "running"
        left = f", {_seconds(job.seconds_left)} left" if running and job.seconds_left else ""
        name = job.spec.name or job.study
        if job.until == "pilot":
            name += ", pilot"
        print(f"{job.id:>4}  {job.state:<9}  {job.fraction:>4.0%}{left}  {name}  {job.error}")
        if running:
            print("".join(f"{line}\n" for line in _parts(job)), end="")


def _as_json(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "study": job.study,
        "name": job.spec.name,
        "state": job.state,
        "until": job.until,
        "fraction": job.fraction,
        "seconds_left": job.seconds_left,
        "error": job.error,
        "owner": job.owner,
        "parts": [asdict(part) for part in job.progress.parts],
    }


def _parts(job: Job) -> Iterator[str]:
    """A line per classifier and stream of a running job."""
    for part in job.progress.parts:
        line = f"      {part.name:<16}  {part.stream:<16}  {part.done:,} of {part.needed:,} draws"
        if part.rate > 0 and part.done < part.needed:
            line += f", {part.rate:,.0f}/s, {_seconds(part.seconds_left or 0)} left"
        yield line


def _seconds(seconds: float) -> str:
    return f"{seconds:,.0f} s"


def _on_job(arguments: argparse.Namespace) -> int:
    queue = JobQueue(arguments.store)
    queue.get(arguments.id)
    if arguments.action == "run":
        return run_job(arguments.store, arguments.id, arguments.parent)
    if arguments.action == "log":
        log = queue.log_path(arguments.id)
        print(log.read_text() if log.exists() else "no output yet", end="")
    elif arguments.action == "cancel":
        actions.cancel(Acting(arguments.store), arguments.id)
    else:
        actions.retry(Acting(arguments.store), arguments.id)
    return 0
