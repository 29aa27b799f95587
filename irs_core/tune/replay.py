"""Run changed copies of a network without computing again what comes before the change.

One pass of the network records what each of its parts gives. A copy in which one layer is replaced
then takes these for every part that ended before that layer began, so that it costs only the part
of a pass that follows. Any module will do; nothing is traced or rewritten.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

# What a pass may keep: the batch is made so small that its parts fit.
KEPT_BYTES = 256_000_000


class Replay:
    """A network with recorded outputs of its parts for one batch at a time.

    Args:
        module: In evaluation mode; it is run under hooks, which `close` takes away.
    """

    def __init__(self, module: nn.Module) -> None:
        self._module = module.eval()
        self._parts = {name: one for name, one in module.named_modules() if name}
        self._forwards = {name: one.forward for name, one in self._parts.items()}
        self._kept: dict[str, Tensor] = {}
        self._began: dict[str, int] = {}
        self._ended: dict[str, int] = {}
        self._clock = 0
        self._skipped: frozenset[str] = frozenset()
        self._recording = False
        for name, part in self._parts.items():
            part.forward = self._wrapped(name)

    def close(self) -> None:
        """Give the network back as it was."""
        for part in self._parts.values():
            part.__dict__.pop("forward", None)
        self._kept.clear()

    def record(self, images: Tensor) -> Tensor:
        """Scores of a batch; what each part gives is kept until the next batch."""
        self._kept, self._began, self._ended, self._clock = {}, {}, {}, 0
        self._recording = True
        try:
            with torch.no_grad():
                return torch.as_tensor(self._module(images))
        finally:
            self._recording = False

    def changed(self, images: Tensor, layers: Mapping[str, nn.Module]) -> Tensor:
        """Scores of the recorded batch by a copy with other layers.

        Args:
            images: The batch that was recorded.
            layers: By name, what takes the place of a layer.
        """
        first = min(self._began[name] for name in layers)
        self._skipped = frozenset(name for name, ended in self._ended.items() if ended < first)
        try:
            with self._replaced(layers), torch.no_grad():
                return torch.as_tensor(self._module(images))
        finally:
            self._skipped = frozenset()

    @property
    def kept_bytes(self) -> int:
        """Bytes that the last recorded batch keeps."""
        return sum(one.nbytes for one in self._kept.values())

    @contextmanager
    def _replaced(self, layers: Mapping[str, nn.Module]) -> Iterator[None]:
        before = {name: self._parts[name].forward for name in layers}
        try:
            for name, layer in layers.items():
                self._parts[name].forward = layer.forward
            yield
        finally:
            for name, forward in before.items():
                self._parts[name].forward = forward

    def _wrapped(self, name: str) -> Callable[..., Any]:
        forward = self._forwards[name]

        def run(*inputs: Any, **named: Any) -> Any:
            if name in self._skipped:
                # A copy, since what follows may write into it.
                return self._kept[name].clone()
            if not self._recording:
                return forward(*inputs, **named)
            self._began.setdefault(name, self._tick())
            found = forward(*inputs, **named)
            if isinstance(found, Tensor) and name not in self._kept:
                self._kept[name] = found.detach().clone()
                self._ended[name] = self._tick()
            else:
                # Called twice, or not giving one tensor: it is computed each time.
                self._ended.pop(name, None)
            return found

        return run

    def _tick(self) -> int:
        self._clock += 1
        return self._clock


def batch_within(replay: Replay, image: Tensor, most: int) -> int:
    """So many images of this shape, at least 1 and at most `most`, keep within `KEPT_BYTES`."""
    replay.record(image[None])
    return max(1, min(most, KEPT_BYTES // max(1, replay.kept_bytes)))
