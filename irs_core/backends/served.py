"""Predictors of models behind a server."""

import copy
from typing import Self

import numpy as np
from numpy.typing import NDArray

from irs_core.backends.base import Opaque, batch_for, check_scores, classes_of, fixed_batches
from irs_core.errors import ApproximationError, ServerError
from irs_core.models.served import ServedModule

_BATCH = 50
# What the same image's scores may differ by between two requests, as a share of their spread.
_SAME, _ROUNDING = 1e-3, 1e-6


class ServedPredictor(Opaque):
    """A model behind a server, asked one request after the other.

    After each block of draws its description and one image are asked again; a server that answers
    otherwise than before ends the run before any answer of that block is kept.
    """

    def __init__(
        self,
        module: ServedModule,
        *,
        classes: int,
        input_shape: tuple[int, int, int],
        batch: int | None = None,
    ) -> None:
        """Ask for the scores of one grey image.

        Raises:
            ServerError: The server cannot be reached or refuses.
            ModelOutputError: The scores are not one per class.
            ApproximationError: It takes another number of images at a time.
        """
        self._module, self._classes, self._checked = module, classes, True
        made_for = module.facts.batch
        if batch is not None and made_for not in (None, batch):
            raise ApproximationError(_made_for(module, batch))
        self.batch = batch or made_for or batch_for(int(np.prod(input_shape)), _BATCH)
        shape = (-1, 1, 1)
        self._mean = np.asarray(module.mean or 0, np.float32).reshape(shape)
        self._std = np.asarray(module.std or 1, np.float32).reshape(shape)
        self.execution = "server open-inference-v2"
        # Fixed batches fill up with copies of it.
        self._probe = np.full((1, *input_shape), 0.5, np.float32)
        self._first = self._asked(self._probe)

    def __call__(self, inputs: NDArray[np.float32]) -> NDArray[np.int64]:
        """Class ids of noisy inputs; see `Predictor`."""
        return classes_of(self.scores(inputs))

    def scores(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores as they come; see `Measurable`.

        Raises:
            ServerError: The server cannot be reached, refuses, or serves another model than before.
        """
        found = self._asked(inputs)
        if self._checked:
            self._check_same()
        return found

    def with_batch(self, batch: int) -> Self:
        """The same model at another batch size; see `Measurable`."""
        if self._module.facts.batch not in (None, batch):
            raise ApproximationError(_made_for(self._module, batch))
        return super().with_batch(batch)

    def unchecked(self) -> Self:
        """The same model, asked for what is wanted and no more, so that a request can be timed."""
        made = copy.copy(self)
        made._checked = False
        return made

    def _asked(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        found = np.full((len(inputs), self._classes), np.nan, np.float32)
        module = self._module
        for place, part in fixed_batches(inputs, self.batch):
            normal = ((part - self._mean) / self._std).astype(np.float32)
            scores = module.connection.infer(module.facts, normal)
            check_scores(scores.shape, len(part), self._classes)
            found[place] = scores[: place.stop - place.start]
        return found

    def _check_same(self) -> None:
        module = self._module
        again = self._asked(self._probe)
        limit = _SAME * float(np.ptp(self._first)) + _ROUNDING * float(np.abs(self._first).max())
        # Random scores are found by whoever measures the classifier; NaN is theirs as well.
        moved = float(np.nanmax(np.abs(again - self._first), initial=0.0)) > limit
        if module.connection.facts().digest != module.facts.digest:
            raise ServerError(_changed(module, "its description is another one"))
        if moved:
            raise ServerError(_changed(module, "it scores the same image otherwise"))


def _changed(module: ServedModule, how: str) -> str:
    return (
        f"the model at {module.connection.url} has changed while it was asked: {how}; what was "
        "computed before is kept, and the other model is a study of its own"
    )


def _made_for(module: ServedModule, batch: int) -> str:
    return (
        f"{module.connection.url} takes {module.facts.batch} images at a time; asked for were "
        f"{batch}"
    )
