"""Actions on trainings: start one in the background."""

from collections.abc import Callable

from irs_core.actions.acting import Acting, only_one, taking
from irs_core.actions.tidy import tidy
from irs_core.actions.uploads import check_room
from irs_core.jobs import Job, JobQueue
from irs_core.people import Action
from irs_core.run.options import RunOptions
from irs_core.train.task import Training


def start_training(
    acting: Acting,
    training: Training,
    options: RunOptions | None = None,
    *,
    check: Callable[[], object] = lambda: None,
) -> Job:
    """Queue a training. What it is to keep in the store counts as kept from here on.

    Args:
        options: Of these, only which folders may be read.
        check: Raises where it cannot be run; called before anything is changed.

    Raises:
        NotAllowedError: They may not.
        IrsError: `check` or the queue refuses, or too many bytes are kept already.
    """
    with taking(acting, Action.TRAIN, training.id):
        check()
        queue = JobQueue(acting.root)
        with only_one(acting.root):
            if not any(one.active and one.study == training.id for one in queue.jobs()):
                check_room(acting, training.size_bytes)
            job = queue.add(training, options, owner=acting.person.name)
    tidy(acting.root)
    return job
