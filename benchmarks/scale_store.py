"""A store as large as a team's: many small studies, imported bundles, three unusual studies."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from synthetic import synthetic_spec, synthetic_study
from ui_study import make_study

from irs_core.spec.study import DataSpec, NoiseSpec
from irs_core.store import Library, StudyRecord

_SMALL = {"n": 500, "n0": 50, "n_p": (50, 100), "data": DataSpec(max=20, holdout=10)}


@dataclass(frozen=True)
class Unusual:
    """Studies that are large in one respect each, by what is large."""

    inputs: StudyRecord
    classes: StudyRecord
    draws: StudyRecord


def make_store(root: Path, studies: int, bundles: int, inputs: int = 100_000) -> Unusual:
    """Fill a store.

    Args:
        root: Its folder; bundles are imported as those of others.
        studies: Small live studies.
        bundles: Small imported studies.
        inputs: Inputs of the study that has many; its counts are stored, not its draws.
    """
    library = Library(root, root / "none")
    for seed in range(studies):
        synthetic_study(library, _small(seed))
    with tempfile.TemporaryDirectory() as folder:
        away = Library(Path(folder) / "away", root / "none")
        for seed in range(studies, studies + bundles):
            record = synthetic_study(away, _small(seed))
            path = Path(folder) / "one.irs.zip"
            away.export(record.id, path)
            library.import_bundle(path)
            # Exporting lists the store that it exports from.
            shutil.rmtree(away.root)
    return Unusual(
        inputs=make_study(library, inputs, 10_000),
        classes=synthetic_study(library, _unusual("1,000 classes", 1, max=500), classes=1000),
        draws=synthetic_study(library, _unusual("a million draws", 2, n=1_000_000, max=20)),
    )


def _small(seed: int) -> object:
    return synthetic_spec(
        **_SMALL, noise=NoiseSpec(0.25 + seed % 4 / 4, seed=seed), name=f"small study {seed}"
    )


def _unusual(name: str, seed: int, *, n: int = 10_000, max: int) -> object:
    return synthetic_spec(
        n=n,
        n_p=(n // 100, n // 50, n // 10),
        data=DataSpec(max=max, holdout=10),
        noise=NoiseSpec(0.5, seed=seed),
        name=name,
    )
