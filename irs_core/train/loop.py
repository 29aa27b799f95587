"""The training loop: seeded, resumable after every epoch."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from irs_core.approx.fake import FakeQuantised
from irs_core.backends.torch_backend import compile_fails
from irs_core.data import Dataset, open_source
from irs_core.errors import DatasetError
from irs_core.integer import IntegerNetwork
from irs_core.integer.carrier import Carrier
from irs_core.models import build, find_architecture, state_digest
from irs_core.models.loaded import with_normalisation
from irs_core.train.augment import (
    add_noise,
    own_draws,
    pad_for_crops,
    random_views,
    seeded_generator,
)
from irs_core.train.device import training_device
from irs_core.train.finish import Normalisation, write_result
from irs_core.train.images import training_set
from irs_core.train.progress import (
    Progress,
    check_converges,
    load_progress,
    progress_path,
    save_progress,
)
from irs_core.train.schedule import learning_rate
from irs_core.train.spec import EpochReport, OnImages, TrainResult, TrainSpec
from irs_core.train.start import started
from irs_core.train.tune import OnGrid, fake_quantised

_log = logging.getLogger(__name__)


def train(
    spec: TrainSpec,
    *,
    on_epoch: Callable[[EpochReport], None] | None = None,
    on_images: OnImages = lambda _done, _total: None,
    max_test: int | None = None,
) -> TrainResult:
    """Train a base classifier under noise and write its weights and its card.

    Every image gets normal noise of standard deviation sigma before normalisation; the loss is
    cross-entropy (Cohen et al. 2019, Sec. 3.3). After each epoch the state is saved beside
    `out`; the same call continues from there after an interruption, and ends with the same
    weights, bit for bit, for the same number of threads.

    With `start`, training goes on from a trained network's weights: noise-augmented fine-tuning of
    a classifier that never saw noise. With `qat_from`, a trained network is fine-tuned under the
    rounding of its integer form, and the integer network is written (Jacob et al. 2018, Sec. 3).

    Args:
        on_epoch: Called after each epoch, also once for those already done before a resume.
        on_images: Called after each step; see `OnImages`.
        max_test: Measure accuracy on at most so many test images; None for all, 0 for none.

    Raises:
        UnknownKeyError: No such architecture.
        DatasetError: The data are missing or do not fit.
        SpecError: The saved state beside `out` belongs to other settings.
        CheckpointError: The weights to start from cannot be read or give no gradients.
        ApproximationError: The device is not there.
    """
    spec.check_files()
    device = training_device(spec.device)
    data = training_set(spec.data_spec("train"), spec.max_images)
    if max_test != 0:
        max_test = _testable(spec, data, max_test)
    if spec.start is not None:
        network, module, (mean, std) = started(spec, data, device)
    else:
        mean, std = _normalisation(spec, data)
        network, module = _networks(spec, data, device, (mean, std))
    run = _Run.of(spec, data, module, device, on_images)
    contents = _contents(spec, data, network)
    done = load_progress(spec, network, run.optimizer, device, contents)
    reports = list(done.reports)
    for report in reports if on_epoch else ():
        assert on_epoch is not None
        on_epoch(report)
    for epoch in range(len(reports), spec.epochs):
        reports.append(run.epoch(epoch))
        check_converges(spec, network, epoch + 1, reports[-1].loss)
        save_progress(spec, network, run.optimizer, Progress(tuple(reports)), contents)
        if on_epoch:
            on_epoch(reports[-1])
    if isinstance(network, FakeQuantised):
        integers = network.integers()
        # Measured as it will run: in integers.
        module = OnGrid(Carrier(integers)).to(device)
        saved: nn.Module | IntegerNetwork = integers
    else:
        saved = network
    result = write_result(spec, data, module, saved, (mean, std), tuple(reports), max_test=max_test)
    progress_path(Path(spec.out)).unlink(missing_ok=True)
    return result


def _testable(spec: TrainSpec, data: Dataset, max_test: int | None) -> int | None:
    """`max_test`, or 0 where there is nothing to test on: to be known before hours of training."""
    if not data.has_split:
        # The test split would be the images trained on.
        return 0
    try:
        test = open_source(spec.data_spec("test"))
    except DatasetError as error:
        _log.warning("accuracy will not be measured: %s", error)
        return 0
    foreign = [name for name in test.names.values() if name not in data.classes]
    if foreign:
        _log.warning(
            "accuracy will not be measured: %s has the class %r, which is not trained on",
            test.description,
            foreign[0],
        )
        return 0
    return max_test


def _contents(spec: TrainSpec, data: Dataset, network: nn.Module) -> dict[str, str]:
    """What a run that starts from weights reads; runs from random weights never told."""
    if spec.start is None:
        return {}
    found = {"start": state_digest(network), "root": data.digest}
    return found if spec.classes is None else {**found, "classes": ", ".join(data.classes)}


def _networks(
    spec: TrainSpec, data: Dataset, device: torch.device, normalisation: Normalisation
) -> tuple[nn.Module, nn.Module]:
    """The network whose weights are trained, and the module that takes noisy images."""
    if spec.qat_from is not None:
        network = fake_quantised(spec, data, device)
        return network, network
    fresh = build(spec.arch, len(data.classes), data.input_shape[0], seed=spec.seed)
    module = with_normalisation(fresh, *normalisation).to(device)
    return fresh, module.to(memory_format=torch.channels_last)


@dataclass(frozen=True, eq=False)
class _Run:
    """What stays the same from epoch to epoch."""

    spec: TrainSpec
    module: nn.Module
    forward: Callable[[Tensor], Tensor]
    optimizer: torch.optim.Optimizer
    padded: Tensor
    labels: Tensor
    shape: tuple[int, int]
    scale: int
    device: torch.device
    on_images: OnImages

    @classmethod
    def of(
        cls,
        spec: TrainSpec,
        data: Dataset,
        module: nn.Module,
        device: torch.device,
        on_images: OnImages,
    ) -> "_Run":
        optimizer = torch.optim.SGD(
            module.parameters(),
            lr=spec.lr,
            momentum=spec.momentum,
            nesterov=spec.momentum > 0,
            weight_decay=spec.weight_decay,
        )
        return cls(
            spec=spec,
            module=module,
            forward=_compiled(module, device) if spec.compile else module,
            optimizer=optimizer,
            padded=pad_for_crops(torch.from_numpy(np.array(data.pixels))).to(device),
            labels=torch.from_numpy(data.labels).to(device),
            shape=data.input_shape[1:],
            scale=data.scale,
            device=device,
            on_images=on_images,
        )

    def epoch(self, epoch: int) -> EpochReport:
        """One pass over the images, its randomness keyed by (seed, epoch)."""
        started = time.perf_counter()
        generator = seeded_generator(self.device, self.spec.seed, epoch)
        self.module.train()
        # A last batch of one image would leave batch normalisation without a variance.
        count, batch = len(self.labels), min(self.spec.batch, len(self.labels))
        order = torch.randperm(count, generator=generator, device=self.device)
        per_epoch = count // batch
        loss = torch.zeros((), device=self.device)
        right = torch.zeros((), device=self.device, dtype=torch.int64)
        with own_draws(self.device, self.spec.seed, epoch):
            for number in range(per_epoch):
                rows = order[number * batch : (number + 1) * batch]
                rate = learning_rate(
                    epoch * per_epoch + number, per_epoch * self.spec.epochs, self.spec.lr
                )
                batch_loss, batch_right = self._step(rows, rate, generator)
                loss += batch_loss
                right += batch_right
                steps = epoch * per_epoch + number + 1
                self.on_images(steps * batch, self.spec.epochs * per_epoch * batch)
        # A GPU is still at work here; reading a number waits for it.
        mean_loss = float(loss) / per_epoch
        seconds = time.perf_counter() - started
        images = per_epoch * batch
        _log.debug("epoch %d took %.1f s", epoch + 1, seconds)
        return EpochReport(
            epoch=epoch + 1,
            epochs=self.spec.epochs,
            loss=mean_loss,
            accuracy=int(right) / images,
            seconds=seconds,
            images_per_second=images / seconds,
        )

    def _step(self, rows: Tensor, rate: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        views = random_views(
            self.padded, rows, self.shape, self.scale, generator, flip=self.spec.flips
        )
        images = add_noise(views, self.spec.sigma, generator)
        labels = self.labels[rows]
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.spec.bf16):
            scores = self.forward(images)
        loss = functional.cross_entropy(scores.float(), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        return loss.detach(), (scores.argmax(1) == labels).sum()


def _compiled(module: nn.Module, device: torch.device) -> Callable[[Tensor], Tensor]:
    reason = compile_fails(device.type)
    if reason is not None:
        _log.warning("torch.compile does not work here (%s); eager PyTorch trains", reason)
        return module
    return torch.compile(module)


def _normalisation(
    spec: TrainSpec, data: Dataset
) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    architecture = find_architecture(spec.arch)
    channels = data.input_shape[0]
    if architecture.fixed_channels and channels != architecture.in_channels:
        raise DatasetError(
            f"{spec.arch} takes {architecture.in_channels} channels; the images have {channels}"
        )
    if architecture.mean is None or len(architecture.mean) != channels:
        return None, None
    return architecture.mean, architecture.std
