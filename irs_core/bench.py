"""How fast certification runs here: the published loop against every backend and arithmetic.

Each row runs in a process of its own, so that its peak memory is its own; all rows are visited in
turn, round after round, so that a change in the machine's load falls on all of them.
"""

import multiprocessing
import resource
import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from irs_core.approx import compress
from irs_core.approx.int8_static import quantise
from irs_core.approx.integer_form import integer_form
from irs_core.backends import Arithmetic, Predictor
from irs_core.backends.choose import make_predictor
from irs_core.backends.integer_backend import IntegerPredictor
from irs_core.backends.torch_backend import out_of_memory
from irs_core.errors import ApproximationError, ModelOutputError
from irs_core.models import build, load_model
from irs_core.sampling.noise import noise_blocks
from irs_core.sampling.sampler import Request, sample
from irs_core.spec.compressions import HalfCompute, IntegerOnly
from irs_core.spec.study import BackendName, ModelSpec, NoiseSpec
from irs_core.store import CHUNK_DRAWS

PUBLISHED_BATCH = 400
_SEED = 1
_SCALE = 255
ROWS = (
    "published loop",
    "ART",
    "torch fp32",
    "torch bf16",
    "torch-compiled fp32",
    "openvino fp32",
    "openvino bf16",
    "openvino int8",
    "integer onnxruntime",
    "integer openvino",
)


@dataclass(frozen=True)
class BenchSpec:
    """What is measured.

    Args:
        weights: A model to load, or None for random weights of `arch`.
        shape: Input shape (channels, height, width).
        group: Inputs that share noise, as in `NoiseSpec`.
        seconds: Length of one measurement.
        rounds: Measurements per row.
        device: Where rows of PyTorch and the published loop run: `cpu`, `cuda` or `cuda:N`. The
            other rows run on the CPU.
        batch: Draws per forward pass of PyTorch rows; None lets the backend choose.
    """

    arch: str = "cifar_resnet20"
    weights: str | None = None
    shape: tuple[int, int, int] = (3, 32, 32)
    sigma: float = 0.5
    classes: int = 10
    group: int = 1
    seconds: float = 3.0
    rounds: int = 3
    device: str = "cpu"
    batch: int | None = None


@dataclass(frozen=True)
class BenchRow:
    """One row of the table.

    Args:
        rate: Median predictions per second of the whole loop, noise and counting included.
        bare: The same of the predictor alone on ready-made inputs; NaN where there is none.
        peak_mb: Largest resident memory of the process; on a GPU the largest held there.
        changed: Share of 500 noisy images that get another class than from eager fp32. Rows of
            integers run the network's integer form, under rounded noise.
        error: Why it could not be measured; empty if it was.
    """

    name: str
    rate: float
    bare: float
    peak_mb: float
    changed: float = float("nan")
    error: str = ""

    @property
    def overhead(self) -> float:
        """Share of the loop's time that is not the predictor's."""
        return 1 - self.rate / self.bare


def run_bench(spec: BenchSpec, rows: tuple[str, ...] = ROWS) -> Iterator[BenchRow]:
    """Measure every row; those that cannot run here say why."""
    context = multiprocessing.get_context("spawn")
    pipes = {}
    for name in rows:
        here, there = context.Pipe()
        process = context.Process(target=_serve, args=(there, spec, name), daemon=True)
        process.start()
        there.close()
        pipes[name] = (here, process)
        here.recv()
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in rows}
    for _ in range(spec.rounds):
        for name, (here, _) in pipes.items():
            here.send("measure")
            samples[name].append(here.recv())
    for name, (here, process) in pipes.items():
        here.send("stop")
        peak, changed, error = here.recv()
        process.join()
        rates, bares = zip(*samples[name], strict=True)
        yield BenchRow(
            name, statistics.median(rates), statistics.median(bares), peak, changed, error
        )


def _serve(pipe: "multiprocessing.connection.Connection", spec: BenchSpec, name: str) -> None:
    error, changed = "", float("nan")
    measure: Callable[[], tuple[float, float]] = lambda: (float("nan"), float("nan"))  # noqa: E731
    try:
        measure, changed = _measurement(spec, name)
        measure()
    except (ApproximationError, ModelOutputError, ImportError) as reason:
        error = str(reason)
    except torch.cuda.OutOfMemoryError:
        error = str(out_of_memory(spec.batch or PUBLISHED_BATCH))
    pipe.send("ready")
    while pipe.recv() == "measure":
        pipe.send(measure() if not error else (float("nan"), float("nan")))
    pipe.send((_peak_mb(spec), changed, error))


def _peak_mb(spec: BenchSpec) -> float:
    if spec.device != "cpu" and torch.cuda.is_available():
        held = torch.cuda.max_memory_reserved(torch.device(spec.device))
        if held:
            return held / 2**20
    scale = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale


def _measurement(spec: BenchSpec, name: str) -> tuple[Callable[[], tuple[float, float]], float]:
    module = _module(spec)
    if name == "published loop":
        nan = float("nan")
        there = module.to(spec.device)
        return lambda: (_timed(spec.seconds, lambda: _published(there, spec)), nan), nan
    if name == "ART":
        step = _art(module, spec)
        return lambda: (_timed(spec.seconds, step), float("nan")), float("nan")
    predictor = _predictor(module, spec, name)
    inputs = _noisy(spec, CHUNK_DRAWS)
    with torch.inference_mode():
        # Where the row runs, so that `changed` is about arithmetic and not about devices.
        device = getattr(predictor, "device", "cpu")
        eager = module.to(device)(torch.from_numpy(inputs).to(device)).argmax(1).cpu().numpy()
    changed = float(np.mean(predictor(inputs) != eager))
    taken: Any = np.rint(inputs * _SCALE).astype(np.int16) if _whole(predictor) else inputs

    def bare() -> int:
        predictor(taken)
        return len(taken)

    loop = _Loop(predictor, spec)
    return lambda: (_timed(spec.seconds, loop), _timed(spec.seconds, bare)), changed


def _timed(seconds: float, step: Callable[[], int]) -> float:
    started, done = perf_counter(), 0
    while perf_counter() - started < seconds:
        done += step()
    return done / (perf_counter() - started)


def _module(spec: BenchSpec) -> nn.Module:
    if spec.weights is not None:
        return load_model(ModelSpec(spec.weights)).module
    return build(spec.arch, spec.classes, in_channels=spec.shape[0], seed=_SEED).eval()


def _predictor(module: nn.Module, spec: BenchSpec, name: str) -> Predictor:
    backend, _, arithmetic = name.partition(" ")
    common = {"classes": spec.classes, "input_shape": spec.shape}
    if backend == "integer":
        return _integers(module, spec, name)
    if name == "openvino int8":
        from irs_core.backends.openvino_predictor import OpenVinoPredictor

        made = quantise(module, calibration=_noisy(spec, 600), **common)  # type: ignore[arg-type]
        return OpenVinoPredictor(made.model, arithmetic="int8", **common)  # type: ignore[arg-type]
    if backend == "torch" and arithmetic == "bf16":
        module = compress(module, HalfCompute("bf16"))
    kind: Arithmetic = "bf16" if arithmetic == "bf16" else "fp32"
    where = {} if backend == "openvino" else {"device": spec.device, "batch": spec.batch}
    return make_predictor(module, arithmetic=kind, backend=backend, **common, **where)  # type: ignore[arg-type]


def _integers(module: nn.Module, spec: BenchSpec, name: str) -> Predictor:
    network = integer_form(
        module,
        IntegerOnly(),
        calibration=_noisy(spec, 600),
        scale=_SCALE,
        input_shape=spec.shape,
    )
    backend: BackendName = "openvino" if name == "integer openvino" else "onnxruntime"
    # Compared with the exact reference, score by score, before it is measured.
    predictor = IntegerPredictor(network, backend=backend)
    if predictor.kernels != f"{backend} cpu int8":
        raise ApproximationError(f"{predictor.kernels} carries the integers here")
    return predictor


def _whole(predictor: Predictor) -> bool:
    """Whether it takes whole grid steps."""
    return bool(getattr(predictor, "takes_steps", False))


class _Loop:
    """Whole units of the product's own loop: noise, predictions, counting."""

    def __init__(self, predictor: Predictor, spec: BenchSpec) -> None:
        self._predictor, self._spec, self._chunk = predictor, spec, 0
        self._images: Any = _images(spec, 4 * spec.group)
        self.noise = NoiseSpec(spec.sigma, group=spec.group)
        if _whole(predictor):
            self.rounded()

    def rounded(self) -> None:
        """Take rounded noise."""
        self._images = np.rint(self._images * _SCALE).astype(np.uint8)
        noise = NoiseSpec.chosen(self._spec.sigma, kind="rounded")
        self.noise = replace(noise, group=self._spec.group)

    def __call__(self) -> int:
        spec, rows = self._spec, len(self._images)
        self._chunk += 1
        (found,) = sample(
            self._images,
            [row // spec.group for row in range(rows)],
            [Request(self._predictor, np.ones(rows, np.bool_))],
            noise=self.noise,
            stream="estimate",
            chunk=self._chunk,
            start=0,
            stop=CHUNK_DRAWS,
            scale=_SCALE,
        )
        for row in found.classes:
            np.bincount(row, minlength=spec.classes)
        return found.classes.size


@torch.no_grad()
def _published(module: nn.Module, spec: BenchSpec) -> int:
    """The loop of the published codes: eager fp32, torch noise, counting sample by sample."""
    image = torch.from_numpy(_images(spec, 1)[0]).to(spec.device)
    batch = image.repeat((PUBLISHED_BATCH, 1, 1, 1))
    noise = torch.randn_like(batch) * spec.sigma
    predictions = module(batch + noise).argmax(1)
    counts = np.zeros(spec.classes, dtype=int)
    for prediction in predictions.cpu().numpy():
        counts[prediction] += 1
    return PUBLISHED_BATCH


def _art(module: nn.Module, spec: BenchSpec) -> Callable[[], int]:
    """IBM's adversarial-robustness-toolbox, an optional extra."""
    from art.estimators.certification.randomized_smoothing import PyTorchRandomizedSmoothing

    classifier = PyTorchRandomizedSmoothing(
        model=module,
        loss=nn.CrossEntropyLoss(),
        input_shape=spec.shape,
        nb_classes=spec.classes,
        sample_size=PUBLISHED_BATCH,
        scale=spec.sigma,
        alpha=0.001,
    )
    image = _images(spec, 1)

    def step() -> int:
        # certify draws its selection from sample_size and n estimation samples.
        classifier.certify(image, n=PUBLISHED_BATCH, batch_size=PUBLISHED_BATCH)
        return 2 * PUBLISHED_BATCH

    return step


def _images(spec: BenchSpec, count: int) -> NDArray[np.float32]:
    return np.random.default_rng(_SEED).random((count, *spec.shape), np.float32)


def _noisy(spec: BenchSpec, count: int) -> NDArray[np.float32]:
    blocks = noise_blocks(
        NoiseSpec(spec.sigma), "pilot", 0, 0, shape=spec.shape, stop=count, block=count
    )
    return _images(spec, count) + next(blocks)
