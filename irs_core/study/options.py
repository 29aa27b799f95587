"""How a study is run and how it reports, without what runs it. Free of torch."""

from dataclasses import dataclass

from irs_core.specs import BackendName


@dataclass(frozen=True)
class Progress:
    """Where a run is.

    Args:
        stage: Classifiers and stream at work.
        done, total: Predictions computed in this run, and needed in it.
        rate: Predictions per second in this run; 0 before the first unit.
    """

    stage: str
    done: int
    total: int
    rate: float


@dataclass(frozen=True)
class RunOptions:
    """How to run; never changes the noise.

    Args:
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        batch: Draws per forward pass; None lets the backend choose.
        backend: `auto`, `torch`, `torch-compiled` or `openvino`.
    """

    device: str = "auto"
    batch: int | None = None
    backend: BackendName = "auto"
