"""A synthetic study as large as anybody's: its manifest and kept counts, without predictions."""

from pathlib import Path

import numpy as np

from irs_core.analysis.kept_tally import keep_tally, tally_path
from irs_core.analysis.levels import shown
from irs_core.methods import COMPRESSED_STREAMS
from irs_core.methods.cirs import CirsTally
from irs_core.methods.iss import IssTally
from irs_core.methods.kit.cirs_plan import Cached, CirsPlan, Planner
from irs_core.methods.kit.counts import (
    UNKNOWN,
    BaseTally,
    CompressedTally,
    StudyTally,
)
from irs_core.methods.kit.groups import GROUPS
from irs_core.methods.kit.seq_steps import nothing_stepped
from irs_core.methods.seq import SeqTally
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.study import DataSpec, ModelSpec, NoiseSpec, StudySpec
from irs_core.stats.joint import LEAST
from irs_core.stats.joint_plan import Supposed
from irs_core.store import BASE, DataRecord, EvidenceKey, Library, ModelRecord, StudyRecord
from irs_core.store.records import BASE_STREAMS

CLASSES = 10
MODELS = (
    "fp16",
    "bf16",
    "int8",
    "prune:0.05",
    "prune:0.1",
    "prune:0.2",
    "lowrank:0.95",
    "bf16-compute",
)
FLIPS = (0.001, 0.002, 0.006, 0.005, 0.01, 0.03, 0.04, 0.003)


def make_study(library: Library, inputs: int = 10_000, n: int = 100_000) -> StudyRecord:
    """Save a finished study of `inputs` inputs, n draws and eight compressed models."""
    spec = StudySpec(
        model=ModelSpec("shipped:digits-0.50"),
        data=DataSpec(max=inputs - 500, holdout=500),
        noise=NoiseSpec(0.5, seed=1),
        compressions=tuple(parse_compression(text) for text in MODELS),
        n=n,
        n_p=tuple(n * step // 100 for step in range(1, 11)),
        name=f"Synthetic, {inputs:,} inputs",
    )
    rng = np.random.default_rng(0)
    labels = rng.integers(0, CLASSES, inputs)
    record = _record(library, spec, labels)
    library.save(record)
    study = library.open(record.id)
    keep_tally(tally_path(study, library.root), _tally(spec, labels, rng))
    return record


def _record(library: Library, spec: StudySpec, labels: np.ndarray) -> StudyRecord:
    models = []
    for name in (BASE, *MODELS):
        evidence = {}
        for stream in BASE_STREAMS if name == BASE else COMPRESSED_STREAMS:
            key = EvidenceKey(f"bench {name}", "b" * 64, spec.noise, stream, "synthetic")
            library.open_evidence(key, n_inputs=len(labels), classes=CLASSES, pixels=3072)
            evidence[stream] = key.id
        title = "original (fp32)" if name == BASE else parse_compression(name).title
        size = 1_000_000 // (1 + (name != BASE) * (1 + len(models) % 4))
        models.append(
            ModelRecord(
                name, title, f"bench {name}", "synthetic", "Made up.", size, size // 4, evidence
            )
        )
    count = len(labels)
    held = spec.data.holdout
    data = DataRecord(
        "b" * 64,
        "synthetic images",
        tuple("0123456789"),
        tuple(range(count)),
        tuple(map(int, labels)),
        tuple(row < count - held for row in range(count)),
    )
    digests = {one: "0" * 64 for model in models for one in model.evidence.values()}
    return StudyRecord(
        spec, "2024-05-07T00:00:00+00:00", True, data, tuple(models), "synthetic", {}, digests
    )


def _tally(spec: StudySpec, labels: np.ndarray, rng: np.random.Generator) -> StudyTally:
    inputs, budgets = len(labels), np.array(spec.n_p)
    share = 1 - 0.6 * rng.beta(1, 4, inputs)
    candidate = np.where(rng.random(inputs) < 0.95, labels, (labels + 1) % CLASSES)
    compressed = {}
    for name, flip in zip(MODELS, FLIPS, strict=True):
        chance = np.clip(flip * rng.exponential(size=inputs), 0, 0.5)
        steps = np.diff(budgets, prepend=0)
        disagreements = rng.binomial(steps, chance[:, None]).cumsum(axis=1)
        hits = rng.binomial(steps, (share * (1 - chance))[:, None]).cumsum(axis=1)
        seconds = np.outer(np.ones(inputs), budgets * 1e-5)
        compressed[name] = CompressedTally(
            disagreements=disagreements,
            fresh_hits=hits,
            scratch_candidate=candidate,
            scratch_hits=hits,
            paired_seconds=seconds,
            fresh_seconds=seconds,
            select_seconds=np.full(inputs, 1e-3),
            leaves=disagreements // 2,
            agreements=hits,
            paired_hits=hits,
            scratch_selected=np.full(inputs, spec.n0),
            leavers=(disagreements // 2)[:, -1],
            label_hits=np.where(candidate == labels, hits[:, -1], 0),
            scratch_other=budgets - hits,
            paired_other=budgets - hits,
            own={
                "cirs": _no_cirs(inputs, budgets),
                "iss": IssTally(
                    *(np.full((inputs, len(budgets)), UNKNOWN) for _ in range(2)), seconds
                ),
                "seq": _no_seq(inputs),
            },
        )
    early = rng.binomial(np.diff(budgets, prepend=0), share[:, None]).cumsum(axis=1)
    hits = early[:, -1] + rng.binomial(spec.n - budgets[-1], share)
    base = BaseTally(
        candidate=candidate,
        selected=np.full(inputs, spec.n0),
        hits=hits,
        seconds=np.full(inputs, 1.0),
        label_hits=np.where(candidate == labels, hits, 0),
        early_hits=early,
        others=_others(spec.n - hits),
        early_other=budgets - early,
        draws=np.full(inputs, spec.n),
        failed_at=np.zeros((inputs, 0), np.int64),
        open=np.zeros(inputs, np.int64),
    )
    return StudyTally(
        n0=spec.n0,
        n=spec.n,
        sigma=spec.noise.sigma,
        noise=spec.noise.kind,
        looks=spec.looks,
        shared_noise=False,
        shown=tuple(one.name for one in shown(spec)),
        budgets=budgets,
        labels=labels,
        reported=np.arange(inputs) < inputs - spec.data.holdout,
        radii=(),
        base=base,
        compressed=compressed,
    )


def _no_cirs(inputs: int, budgets: np.ndarray) -> CirsTally:
    """As in a study that did not ask for CIRS: plans, and no draws."""
    zeros, unknown = np.zeros(inputs), np.full((inputs, len(budgets)), UNKNOWN)
    supposed = Supposed(np.zeros(0, np.int64), np.zeros(0), LEAST)
    plans = tuple(
        CirsPlan(float(n_p), 1, zeros.astype(np.int64), zeros.astype(bool), zeros, 0, supposed)
        for n_p in budgets
    )
    none = np.zeros(inputs, np.int64)
    cached = Cached(none, none, none, zeros.astype(bool), 0, none, none, none)
    planner = Planner(100, 1, 0.5, 1, 1, 0.002, None, None, cached)
    seconds = unknown.astype(np.float64)
    return CirsTally(
        n_p=budgets,
        plans=plans,
        leavers=unknown,
        fresh_hits=unknown,
        seconds=seconds,
        prefixes=budgets,
        arrivals=np.repeat(unknown[:, :, None].astype(np.int16), GROUPS, axis=2),
        more=np.zeros_like(unknown),
        planner=planner,
        seconds_per_draw=float("nan"),
    )


def _others(missed: np.ndarray) -> np.ndarray:
    """Draws that missed the candidate, all in one of the groups."""
    return missed[..., None] * (np.arange(GROUPS) == 0)


def _no_seq(inputs: int) -> SeqTally:
    """As in a study that names no radius."""
    nothing, none = np.zeros(inputs, np.int64), np.zeros((inputs, 0), np.int64)
    unknown = np.full(inputs, UNKNOWN)
    return SeqTally(
        taken=unknown,
        open=nothing,
        failed_at=none,
        looked=nothing,
        failed_looked=none,
        reaches=np.zeros(0),
        seconds_per_draw=np.zeros(inputs),
        stepped=nothing_stepped(inputs),
    )


def make_store(root: Path) -> StudyRecord:
    """A store with nothing but that study."""
    return make_study(Library(root, root / "none"))
