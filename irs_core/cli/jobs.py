"""The commands `jobs` and `worker`."""

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from irs_core.actions import Acting
from irs_core.actions import jobs as actions
from irs_core.cli.options import add_json_option, add_store_option
from irs_core.cli.printing import print_json
from irs_core.jobs import Job, JobQueue, Lease, run_job, tend, work
from irs_core.jobs.worker import IDLE_EXIT_SECONDS
from irs_core.run.words import model_titles, stage_words
from irs_core.train.task import Training


def add_jobs(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command `jobs`."""
    parser = commands.add_parser("jobs", help="list, cancel, retry and read background jobs")
    add_store_option(parser)
    add_json_option(parser)
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
        add_json_option(action, again=True)
        if name != "list":
            action.add_argument("id", type=int)
            action.set_defaults(run=_on_job, action=name)
        if name == "run":
            action.add_argument("--fence", type=int, metavar="N", help="of its worker's lease")
            action.add_argument("--parent", type=int, metavar="PID", help="its worker")


def add_worker(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command `worker`."""
    parser = commands.add_parser("worker", help="run queued jobs")
    add_store_option(parser)
    parser.add_argument("--once", action="store_true", help="stop when nothing waits")
    parser.add_argument(
        "--single",
        action="store_true",
        help="stop at once if another worker serves the store",
    )
    parser.add_argument(
        "--idle-exit",
        type=float,
        default=IDLE_EXIT_SECONDS,
        metavar="SECONDS",
        help="stop after so long without work (default: %(default)g)",
    )
    add_json_option(parser)
    parser.set_defaults(run=_worker)


def _worker(arguments: argparse.Namespace) -> None:
    ended = work(
        arguments.store,
        once=arguments.once,
        single=arguments.single,
        idle_exit=arguments.idle_exit,
    )
    if arguments.json:
        queue = JobQueue(arguments.store)
        print_json("worker", {"jobs": [_as_json(queue.get(one)) for one in ended]})


def _list(arguments: argparse.Namespace) -> None:
    tend(arguments.store)
    if arguments.json:
        print_json("jobs", {"jobs": [_as_json(job) for job in JobQueue(arguments.store).jobs()]})
        return
    for job in JobQueue(arguments.store).jobs():
        running = job.state == "running"
        left = f", {_seconds(job.seconds_left)} left" if running and job.seconds_left else ""
        name = _name(job)
        if job.until == "pilot":
            name += ", pilot"
        line = f"{job.id:>4}  {job.state:<9}  {job.fraction:>4.0%}{left}  {name}"
        print(f"{line}  {job.error or job.note or job.result}".rstrip())
        if running:
            print("".join(f"{line}\n" for line in _parts(job)), end="")


def _name(job: Job) -> str:
    return job.spec.title if isinstance(job.spec, Training) else job.spec.name or job.study


def _as_json(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "study": job.study,
        "name": job.spec.title if isinstance(job.spec, Training) else job.spec.name,
        "state": job.state,
        "until": job.until,
        "fraction": job.fraction,
        "seconds_left": job.seconds_left,
        "note": job.note,
        "error": job.error,
        "owner": job.owner,
        "result": job.result,
        "parts": [asdict(part) for part in job.progress.parts],
    }


def _parts(job: Job) -> Iterator[str]:
    """A line per classifier of a running job and what its draws are for."""
    # A training has one line of progress, and no parts.
    titles = {} if isinstance(job.spec, Training) else model_titles(job.spec)
    for part in job.progress.parts:
        doing = stage_words([part.name], part.stream, titles)
        line = f"      {doing:<44}  {part.done:,} of {part.needed:,} draws"
        if part.rate > 0 and part.done < part.needed:
            line += f", {part.rate:,.0f}/s, {_seconds(part.seconds_left or 0)} left"
        yield line


def _seconds(seconds: float) -> str:
    return f"{seconds:,.0f} s"


def _on_job(arguments: argparse.Namespace) -> int:
    queue = JobQueue(arguments.store)
    job = queue.get(arguments.id)
    code = 0
    if arguments.action == "run":
        lease = job.lease if arguments.fence is None else Lease(job.id, arguments.fence)
        code = run_job(arguments.store, lease, arguments.parent)
    elif arguments.action == "log":
        _show_log(queue, arguments)
        return 0
    elif arguments.action == "cancel":
        actions.cancel(Acting(arguments.store), arguments.id)
    else:
        actions.retry(Acting(arguments.store), arguments.id)
    if arguments.json:
        print_json(f"jobs {arguments.action}", {"jobs": [_as_json(queue.get(arguments.id))]})
    return code


def _show_log(queue: JobQueue, arguments: argparse.Namespace) -> None:
    log = queue.log_path(arguments.id)
    text = log.read_text(errors="replace") if log.exists() else ""
    if arguments.json:
        print_json("jobs log", {"id": arguments.id, "log": text})
    else:
        print(text or "no output yet", end="")
