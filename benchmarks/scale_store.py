"""A store as large as a team's: many small studies, imported bundles, three unusual studies."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from synthetic import synthetic_spec, synthetic_study
from ui_study import make_study

from irs_core.spec.study import DataSpec, NoiseSpec, StudySpec
from irs_core.store import Library, StudyRecord

_CLASSES, _DRAWS = "1,000 classes", "a million draws"
_SMALL = {"n": 500, "n0": 50, "n_p": (50, 100), "data": DataSpec(max=20, holdout=10)}


@dataclass(frozen=True)
class Unusual:
    """A small study, and those that are large in one respect each, by what is large."""

    small: StudyRecord
    inputs: StudyRecord
    classes: StudyRecord
    draws: StudyRecord


def make_store(root: Path, studies: int, bundles: int, inputs: int = 100_000) -> None:
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
    make_study(library, inputs, 10_000)
    synthetic_study(library, _unusual(_CLASSES, 1, most=500), classes=1000)
    synthetic_study(library, _unusual(_DRAWS, 2, n=1_000_000, most=20))


def unusual(root: Path) -> Unusual:
    """The studies of a store that `make_store` filled."""
    by_name = {one.record.spec.name: one.record for one in Library(root, root / "none").studies()}
    large = next(name for name in by_name if name.startswith("Synthetic, "))
    return Unusual(by_name["small study 0"], by_name[large], by_name[_CLASSES], by_name[_DRAWS])


def _small(seed: int) -> StudySpec:
    return synthetic_spec(
        **_SMALL, noise=NoiseSpec(0.25 + seed % 4 / 4, seed=seed), name=f"small study {seed}"
    )


def _unusual(name: str, seed: int, *, n: int = 10_000, most: int) -> StudySpec:
    return synthetic_spec(
        n=n,
        n_p=(n // 100, n // 50, n // 10),
        data=DataSpec(max=most, holdout=10),
        noise=NoiseSpec(0.5, seed=seed),
        name=name,
    )
