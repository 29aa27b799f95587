"""Noise made again: its share of the processor time that CIRS spends on compressed models.

    python benchmarks/regeneration.py [--studies digits-0.50 ...] [--inputs 64] [--noise rounded]
        [--generator philox] [--forget]

CIRS runs a compressed network on chosen draws only. The generator sfc64 has to pass all draws of a
chunk before them; philox makes any draw by its number. "Again" is the part of the noise that no
network asked for, or that was made before.

For each case a study runs with everything that precedes its counted draws filled in: the original
answers as in a shipped study, and the pilot as the original. The images are random; which draws
are chosen does not depend on them. Measured is the sampling loop alone, in processor time of all
threads, so that other work on the machine changes little.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from irs_core.data import load_dataset
from irs_core.hardware import describe_hardware
from irs_core.methods.kit.cirs_plan import pilot_draws
from irs_core.models import load_model
from irs_core.run import units
from irs_core.run.options import RunOptions
from irs_core.run.prepare import Prepared, prepare
from irs_core.run.study import run_study
from irs_core.sampling import noise, sampler
from irs_core.sampling.bookmarks import Bookmarks
from irs_core.sampling.counter_noise import CounterNoise
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.study import GENERATORS, DataSpec, ModelSpec, NoiseSpec, Stream, StudySpec
from irs_core.store import BASE, CHUNK_DRAWS, ChunkId, EvidenceKey, Library, Study

BUDGETS = {"1% to 10%": range(1, 11), "1%": (1,), "5%": (5,)}


@dataclass
class Spent:
    """Processor seconds of the loop and of making noise in it; draws made, and run."""

    loop: float = 0.0
    noise: float = 0.0
    made: int = 0
    run: int = 0
    wanted: int = 0

    @property
    def share(self) -> float:
        """Of the loop's time, what making noise took."""
        return self.noise / self.loop

    @property
    def again(self) -> float:
        """Of the loop's time, what making noise took that was not asked for."""
        return self.share * (self.made - self.wanted) / max(1, self.made)


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", nargs="+", default=["cifar10-resnet20-0.50", "digits-0.50"])
    parser.add_argument("--compress", nargs="+", default=["fp16", "int8"])
    parser.add_argument("--inputs", type=int, default=64)
    parser.add_argument("--noise", default="gaussian")
    parser.add_argument("--generator", choices=GENERATORS, default="sfc64")
    parser.add_argument("--budgets", nargs="+", choices=BUDGETS, default=list(BUDGETS))
    parser.add_argument("--forget", action="store_true", help="keep no places in noise streams")
    arguments = parser.parse_args()
    if arguments.forget:
        units.Bookmarks = lambda: Bookmarks(0)
    kind = NoiseSpec(1.0, kind=arguments.noise, generator=arguments.generator)
    print(
        f"{describe_hardware()}; {kind.kind} noise by {kind.generator}, {arguments.inputs} inputs"
    )
    print("| model | compressed | n_p | draws run | noise made | per run | noise | again |")
    print("|---|---|---|---|---|---|---|---|")
    shipped = {one.record.spec.model.weights: one for one in Library().studies() if one.shipped}
    for name in arguments.studies:
        for text in arguments.compress:
            for budget in arguments.budgets:
                study = shipped[f"shipped:{name}"]
                spent = measure(study, text, BUDGETS[budget], arguments.inputs, kind)
                print(
                    f"| {name} | {text} | {budget} | {spent.run:,} | {spent.made:,} "
                    f"| {spent.made / spent.run:.2f} | {spent.share:.1%} | {spent.again:.1%} |",
                    flush=True,
                )


def measure(study: Study, text: str, shares: Sequence[int], inputs: int, kind: NoiseSpec) -> Spent:
    """One case, in a store of its own."""
    record = study.record
    with tempfile.TemporaryDirectory() as folder:
        spec = StudySpec(
            model=ModelSpec(record.spec.model.weights),
            data=random_images(Path(folder), record.spec.model.weights, inputs),
            noise=replace(kind, sigma=record.spec.noise.sigma),
            compressions=(parse_compression(text),),
            n0=record.spec.n0,
            n=record.spec.n,
            n_p=tuple(share * record.spec.n // 100 for share in shares),
            methods=("cirs",),
            baseline=False,
        )
        library = Library(Path(folder) / "store", Path(folder))
        fill(spec, library, study)
        return counted(spec, library)


def random_images(folder: Path, weights: str, inputs: int) -> DataSpec:
    """Random 8-bit images of the shape that a model takes, with some more held out."""
    model = load_model(ModelSpec(weights))
    shape = model.input_shape or (3, 32, 32)
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (inputs + 16, *shape), np.uint8)
    np.savez(folder / "random.npz", images=pixels, labels=np.arange(len(pixels)) % 10)
    return DataSpec("npz", root=str(folder / "random.npz"), max=inputs, holdout=16)


def fill(spec: StudySpec, library: Library, study: Study) -> None:
    """Store the original's answers of another study, and the same as the pilot's."""
    dataset, base = load_dataset(spec.data), load_model(spec.model)
    evidence = study.record.base.evidence
    selected = study.evidence(evidence["select"]).read(spec.n0)
    estimated = study.evidence(evidence["estimate"]).read(spec.n)
    rows = np.arange(len(dataset)) % len(selected)
    for one in prepare(spec, base, dataset, RunOptions()):
        own = one.name == BASE
        store(spec, library, one, "select", selected[rows, : None if own else pilot_draws(spec)])
        if own:
            store(spec, library, one, "estimate", estimated[rows])


def store(
    spec: StudySpec,
    library: Library,
    one: Prepared,
    stream: Stream,
    answers: np.ndarray[Any, Any],
) -> None:
    """Write answers as those of a classifier of the study."""
    dataset = load_dataset(spec.data)
    key = EvidenceKey(one.digest, dataset.digest, spec.noise, stream, one.predictor.execution)
    pixels = int(np.prod(dataset.input_shape))
    array = library.open_evidence(key, n_inputs=len(dataset), classes=10, pixels=pixels)
    for tile in range(array.n_tiles):
        for chunk in range(-(-answers.shape[1] // CHUNK_DRAWS)):
            part = answers[array.rows(tile), chunk * CHUNK_DRAWS : (chunk + 1) * CHUNK_DRAWS]
            whole = np.full((len(part), CHUNK_DRAWS), array.missing, array.dtype)
            whole[:, : part.shape[1]] = part
            array.write_chunk(
                ChunkId(tile, chunk), whole, seconds=1.0, draws=part.size, hardware="filled in"
            )


def counted(spec: StudySpec, library: Library) -> Spent:
    """Run the study's counted draws with clocks in the loop."""
    spent = Spent()
    blocks, filling, loop = sampler.chosen_blocks, noise._filling, units.sample
    by_number = CounterNoise._run

    def timed_blocks(*args: Any, **options: Any) -> Iterator[Any]:
        spent.wanted += int(args[4].sum())
        found = blocks(*args, **options)
        while True:
            clock = time.thread_time()
            values = next(found, None)
            spent.noise += time.thread_time() - clock
            if values is None:
                return
            yield values

    def counted_filling(*args: Any) -> Any:
        fill = filling(*args)

        def counting(values: np.ndarray[Any, Any]) -> None:
            spent.made += len(values)
            fill(values)

        return counting

    def counted_run(self: CounterNoise, first: int, last: int) -> Any:
        spent.made += last - first
        return by_number(self, first, last)

    def timed_loop(images: Any, groups: Any, requests: Any, **options: Any) -> Any:
        clock = time.process_time()
        found = loop(images, groups, requests, **options)
        spent.loop += time.process_time() - clock
        spent.run += sum(int((one.classes >= 0).sum()) for one in found)
        return found

    sampler.chosen_blocks, noise._filling = timed_blocks, counted_filling
    CounterNoise._run = counted_run  # type: ignore[method-assign]
    units.sample = timed_loop
    try:
        run_study(spec, library)
    finally:
        sampler.chosen_blocks, noise._filling, units.sample = blocks, filling, loop
        CounterNoise._run = by_number  # type: ignore[method-assign]
    return spent


if __name__ == "__main__":
    main()
