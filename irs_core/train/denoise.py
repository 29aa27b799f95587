"""Training a denoiser: seeded, resumable after every epoch, without labels."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from irs_core.data.base import Images, data_digest
from irs_core.data.fitting import way_to_fit
from irs_core.data.unlabelled import read_unlabelled
from irs_core.errors import DatasetError, SpecError
from irs_core.models import load_model
from irs_core.models.denoised import load_denoiser_network
from irs_core.models.denoiser import Denoiser, DenoiserShape, new_denoiser
from irs_core.models.digest import state_digest
from irs_core.models.gradients import check_flow, frozen_classifier
from irs_core.models.loaded import LoadedModel
from irs_core.models.objects import count_classes, is_object, keep
from irs_core.models.recognise import is_torchscript
from irs_core.models.scripted import load_scripted
from irs_core.spec.data_kinds import KINDS, DataKind
from irs_core.spec.study import ModelSpec
from irs_core.train.augment import pad_for_crops, random_views, seeded_generator
from irs_core.train.denoiser_finish import write_denoiser
from irs_core.train.denoiser_spec import (
    DenoiserReport,
    DenoiserResult,
    DenoiserSpec,
    data_kind,
)
from irs_core.train.device import training_device
from irs_core.train.images import check_depth, training_set
from irs_core.train.progress import check_converges, load_state, progress_path, save_state
from irs_core.train.schedule import learning_rate
from irs_core.train.spec import OnImages

# One of so many images is held out to measure on, and at most so many.
_HELD_OUT, _MOST_HELD_OUT = 50, 1000


def train_denoiser(
    spec: DenoiserSpec,
    *,
    on_epoch: Callable[[DenoiserReport], None] | None = None,
    on_images: OnImages = lambda _done, _total: None,
    programs: bool = False,
) -> DenoiserResult:
    """Train a denoiser and write its weights and its card.

    Each view of an image gets normal noise of one of the standard deviations. The loss is the mean
    squared error against the view, or, with `against`, the cross-entropy of the classifier's
    answers to the denoised view against its answers to the clean one: gradients go through the
    classifier, whose weights stay as they are (Salman et al. 2020, Sec. 3.2, stability).

    After each epoch the state is saved beside `out`; the same call goes on from there.

    Args:
        on_epoch: Called after each epoch, also once for those already done before a resume.
        on_images: Called after each step; see `OnImages`.
        programs: Whether programs that come in files (TorchScript) may be run, as `against`.

    Raises:
        DatasetError: The images are missing, damaged, of unequal size, or not of 8 bits.
        SpecError: They do not fit the denoiser, or the saved state belongs to other settings.
        CheckpointError: The classifier cannot be read, or has no gradients.
        ApproximationError: The device is not there.
    """
    spec.check_files()
    device = training_device(spec.device)
    images = _images(spec)
    trained, held_out = _parts(images)
    network = _network(spec, images).to(device).to(memory_format=torch.channels_last)
    classifier = _classifier(spec, images, programs=programs)
    contents = _contents(spec, images, network, classifier)
    # A folder of images alone is read as one of classes.
    kind = data_kind(spec.images) or "image-folder"
    answers = None if classifier is None else _frozen(kind, classifier, images, device)
    optimizer = torch.optim.Adam(network.parameters(), lr=spec.lr)
    found = load_state(spec, network, optimizer, device, contents)
    reports = [DenoiserReport(**one) for one in found]
    for report in reports if on_epoch else ():
        assert on_epoch is not None
        on_epoch(report)
    run = _Run(
        spec,
        network,
        answers,
        optimizer,
        pad_for_crops(torch.from_numpy(trained)).to(device),
        images.pixels.shape[2:],
        images.scale,
        device,
        on_images,
    )
    for epoch in range(len(reports), spec.epochs):
        reports.append(run.epoch(epoch))
        check_converges(spec, network, epoch + 1, reports[-1].loss)
        save_state(spec, network, optimizer, reports, contents)
        if on_epoch:
            on_epoch(reports[-1])
    unit = torch.from_numpy(Images(held_out, images.scale).unit())
    result = write_denoiser(spec, network, answers, len(trained), unit, tuple(reports))
    progress_path(Path(spec.out)).unlink(missing_ok=True)
    return result


@dataclass(frozen=True, eq=False)
class _Run:
    spec: DenoiserSpec
    network: Denoiser
    answers: nn.Module | None
    optimizer: torch.optim.Optimizer
    padded: Tensor
    shape: tuple[int, int]
    scale: int
    device: torch.device
    on_images: OnImages

    def epoch(self, epoch: int) -> DenoiserReport:
        """One pass over the images, its randomness keyed by (seed, epoch)."""
        started = time.perf_counter()
        generator = seeded_generator(self.device, self.spec.seed, epoch)
        self.network.train()
        count, batch = len(self.padded), min(self.spec.batch, len(self.padded))
        order = torch.randperm(count, generator=generator, device=self.device)
        steps = count // batch
        loss = torch.zeros((), device=self.device)
        agreed = torch.zeros((), device=self.device, dtype=torch.int64)
        for number in range(steps):
            step = epoch * steps + number
            rate = learning_rate(step, steps * self.spec.epochs, self.spec.lr)
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            rows = order[number * batch : (number + 1) * batch]
            one, same = self._step(rows, generator)
            loss += one
            agreed += same
            self.on_images((step + 1) * batch, steps * self.spec.epochs * batch)
        seconds = time.perf_counter() - started
        images = steps * batch
        return DenoiserReport(
            epoch=epoch + 1,
            epochs=self.spec.epochs,
            loss=float(loss) / steps,
            agreement=None if self.answers is None else int(agreed) / images,
            seconds=seconds,
            images_per_second=images / seconds,
        )

    def _step(self, rows: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        views = random_views(
            self.padded, rows, self.shape, self.scale, generator, flip=self.spec.flips
        )
        noisy = add_mixed_noise(views, self.spec.sigma, generator)
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.spec.bf16):
            denoised = self.network(noisy)
            loss, same = self._loss(views, denoised)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        return loss.detach(), same

    def _loss(self, views: Tensor, denoised: Tensor) -> tuple[Tensor, Tensor]:
        if self.answers is None:
            error = functional.mse_loss(denoised.float(), views)
            return error, torch.zeros((), dtype=torch.int64, device=self.device)
        with torch.no_grad():
            wanted = self.answers(views).float()
        found = self.answers(denoised).float()
        loss = functional.cross_entropy(found, wanted.softmax(1))
        return loss, (found.argmax(1) == wanted.argmax(1)).sum()


def add_mixed_noise(images: Tensor, sigma: tuple[float, ...], generator: torch.Generator) -> Tensor:
    """Images plus normal noise, each of one of the standard deviations at random; not clipped."""
    count, device = len(images), images.device
    chosen = torch.tensor(sigma, device=device)[
        torch.randint(len(sigma), (count,), generator=generator, device=device)
    ]
    noise = torch.empty_like(images).normal_(generator=generator)
    return images + chosen.view(-1, 1, 1, 1) * noise


def _images(spec: DenoiserSpec) -> Images:
    whole = spec.data_spec("train")
    if whole is None:
        found = read_unlabelled(
            spec.images, size=spec.size, channels=spec.channels, most=spec.max_images
        )
        check_depth(found.pixels, spec.images)
        return found
    data = training_set(whole, spec.max_images)
    return Images(data.pixels, data.scale)


def _parts(images: Images) -> tuple[np.ndarray, np.ndarray]:
    """Images to train on, and those held out."""
    count = len(images.pixels)
    if count < 2:
        raise DatasetError(f"a denoiser needs at least 2 images, one of them held out; got {count}")
    held = min(_MOST_HELD_OUT, max(1, count // _HELD_OUT))
    rows = np.linspace(0, count - 1, held).astype(int)
    return np.delete(images.pixels, rows, axis=0), images.pixels[rows]


def _network(spec: DenoiserSpec, images: Images) -> Denoiser:
    shape = images.pixels.shape[1:]
    if spec.start is not None:
        network = load_denoiser_network(spec.start)
    else:
        network = new_denoiser(DenoiserShape(shape[0], spec.width, spec.levels), seed=spec.seed)
    network.shape.check_image(shape)
    return network


def _contents(
    spec: DenoiserSpec, images: Images, network: Denoiser, classifier: LoadedModel | None
) -> dict[str, str]:
    """What a run reads, wherever it lies."""
    positions = np.arange(len(images.pixels), dtype=np.int64)
    found = {"images": data_digest(images.pixels, images.scale, positions)}
    if spec.start is not None:
        found["start"] = state_digest(network)
    return found if classifier is None else {**found, "against": classifier.digest}


def _classifier(spec: DenoiserSpec, images: Images, *, programs: bool) -> LoadedModel | None:
    if spec.against is None:
        return None
    classes, path = None, Path(spec.against).expanduser()
    if is_object(spec.against):
        classes = count_classes(spec.against, _one(images))
    elif programs and path.is_file() and is_torchscript(path):
        # Only its answers tell how many classes a program has.
        program = load_scripted(path, programs=True)
        classes = count_classes(keep("program", program.digest, program), _one(images))
    model = ModelSpec(
        *(spec.against, spec.arch, classes, spec.mean, spec.std), channel_order=spec.channel_order
    )
    return load_model(model, programs=programs)


def _frozen(
    kind: DataKind, classifier: LoadedModel, images: Images, device: torch.device
) -> nn.Module:
    shape = images.pixels.shape[1:]
    if classifier.input_shape is not None and classifier.input_shape != shape:
        # The digits stand here only where they are named.
        way = way_to_fit(kind, classifier.input_shape, shape) if KINDS[kind].root else ""
        raise SpecError(
            f"the classifier takes images of shape {classifier.input_shape}; these have "
            f"{shape}{way}"
        )
    found = frozen_classifier(classifier)
    check_flow(found, _one(images))
    return found.to(device).to(memory_format=torch.channels_last)


def _one(images: Images) -> NDArray[np.float32]:
    return Images(images.pixels[:1], images.scale).unit()
