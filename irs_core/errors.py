"""The exception tree. Every message is one sentence that names the value and the rule."""


def reason(error: Exception) -> str:
    """Why something failed, without the number that the system gives it and without the path."""
    said = error.strerror if isinstance(error, OSError) else None
    return said or str(error)


class IrsError(Exception):
    """Base of every error that the library raises on purpose."""


class InvalidSampleError(IrsError, ValueError):
    """Counts, sample sizes or probabilities outside their range."""


class SpecError(IrsError, ValueError):
    """A specification that breaks a rule of its own fields."""


class UnknownKeyError(IrsError, ValueError):
    """A name that a registry does not hold."""


class CheckpointError(IrsError, ValueError):
    """A weights file that cannot be read safely or does not fit its architecture."""


class DatasetError(IrsError, ValueError):
    """Data that are missing, empty or of the wrong shape."""


class ChannelsError(DatasetError):
    """Images that are grey where the model takes colours, or the other way round.

    Args:
        channels: What the model takes.
    """

    def __init__(self, message: str, channels: int) -> None:
        super().__init__(message)
        self.channels = channels


class ModelOutputError(IrsError, ValueError):
    """A model whose output is not one finite score per class."""


class ApproximationError(IrsError, ValueError):
    """A compression that cannot be applied to this model or device."""


class StoreError(IrsError):
    """Evidence that cannot be read or written."""


class MissingEvidenceError(StoreError):
    """A question whose answer needs draws that are not stored."""


class BundleError(StoreError, ValueError):
    """A bundle that is damaged, unsafe or of an unknown version."""


class JobError(IrsError):
    """A job request that the queue refuses."""


class ServerError(IrsError):
    """A classifier behind a server that cannot be reached, refuses, or has changed."""


class SandboxError(IrsError):
    """A file that took more than reading it may take, or that its reader did not survive."""


class EngineError(IrsError):
    """Worker processes that cannot be reached, or that keep failing."""


class NotAllowedError(IrsError):
    """An action that the person who asks for it may not take."""


class CancelledError(IrsError):
    """A run that stopped because somebody asked for it."""


def first_line(error: BaseException, longest: int = 300) -> str:
    """What another library's error says in its first line; the error's type where it is silent."""
    lines = (line.strip() for line in str(error).splitlines())
    return next((line for line in lines if line), type(error).__name__)[:longest]
