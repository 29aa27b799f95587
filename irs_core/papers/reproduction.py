"""Which studies the published tables are measured from, and how to find or run them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.tally import tally_study
from irs_core.errors import SpecError
from irs_core.papers.published import PaperTable
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.outside import SHIPPED_PREFIX
from irs_core.spec.settings import Settings
from irs_core.spec.study import DataSpec, ModelSpec, NoiseSpec, StudySpec
from irs_core.store import Study

# As in the IRS paper, Section 5.2, with real int8 (all layers) and the dynamic kind beside it.
COMPRESSIONS = (
    "fp16",
    "bf16",
    "int8",
    "int8-dynamic",
    "prune:0.05",
    "prune:0.1",
    "prune:0.2",
)
_PERCENT = tuple(range(1, 11))
_WIDE_PERCENT = tuple(range(5, 85, 5))
TEST_IMAGES, IMAGES, HELD_OUT = 10_000, 500, 100
_MAIN_DRAWS = 10_000
# The thresholds that the paper searches, Section 5.4.
GAMMAS = (0.9, 0.95, 0.975, 0.99, 0.995, 0.999)


@dataclass(frozen=True)
class Part:
    """One study that tables and figures are measured from.

    Args:
        key: Names its bundle.
        architecture: Of a model that ships as `cifar10-ARCHITECTURE-SIGMA`.
        sigma: Of the noise in certification, pixel units.
        trained: Sigma of the noise in training, where it is another.
        integer: Certifies the network in integers (`...-SIGMA-integer`), under rounded noise.
        percent: Draw budgets n_p in percent of n.
        images: Reported images, evenly spread over the 10,000 of the test split.
        held_out: Further images, on which gamma is chosen.
    """

    key: str
    architecture: str
    sigma: float
    n: int = _MAIN_DRAWS
    percent: tuple[int, ...] = _PERCENT
    compressions: tuple[str, ...] = COMPRESSIONS
    images: int = IMAGES
    held_out: int = HELD_OUT
    tables: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()
    trained: float | None = None
    integer: bool = False

    @property
    def training_sigma(self) -> float:
        """Sigma of the noise in training, pixel units."""
        return self.sigma if self.trained is None else self.trained

    @property
    def weights(self) -> str:
        """The model that it certifies."""
        form = "-integer" if self.integer else ""
        return f"{SHIPPED_PREFIX}cifar10-{self.architecture}-{self.training_sigma:.2f}{form}"

    @property
    def title(self) -> str:
        """Its name, for people."""
        words = [
            "CIFAR-10",
            f"ResNet-{self.architecture.removeprefix('resnet')}",
            f"sigma {self.sigma:g}",
        ]
        if self.training_sigma != self.sigma:
            words.append(f"trained at {self.training_sigma:g}")
        if self.integer:
            words.append("integers only")
        if self.percent[-1] not in (10, 100):
            words.append(f"budgets to {self.percent[-1]}%")
        if self.n > _MAIN_DRAWS:
            words.append(f"n = {self.n:,}")
        return ", ".join(words)

    @property
    def n_p(self) -> tuple[int, ...]:
        """Draw budgets."""
        return tuple(self.n * percent // 100 for percent in self.percent)

    def spec(self, data: DataSpec, *, images: int | None = None) -> StudySpec:
        """The study, on test images of `data` (its kind, root and size).

        Args:
            images: Reported images, at least 1 and at most the part's own number; fewer take
                less time and give wider intervals.

        Raises:
            SpecError: The number is out of range.
        """
        count = self.images if images is None else images
        if not 1 <= count <= self.images:
            raise SpecError(f"{self.key} takes 1 to {self.images} images; got {count}")
        stride = TEST_IMAGES // count
        chosen = replace(data, split="test", start=0, stride=stride, max=count)
        return StudySpec(
            model=ModelSpec(self.weights),
            data=replace(chosen, holdout=self.held_out),
            noise=NoiseSpec(self.sigma, kind="rounded" if self.integer else "gaussian"),
            compressions=tuple(parse_compression(text) for text in self.compressions),
            n=self.n,
            n_p=self.n_p,
            name=self.title,
        )


_LEAST_SIGMA = 0.12
_INTRS_SIGMAS = (_LEAST_SIGMA, 0.25, 0.5, 1.0)
_INTRS_TABLES = {_LEAST_SIGMA: ("intrs-4",), 0.25: ("intrs-5",)}


def _intrs(sigma: float, *, trained: float, integer: bool) -> Part:
    """A study for the IntRS supplement, of all draws at once.

    Nothing is compressed where the supplement has no FloatRS-quant, or another study has it.
    """
    own = sigma == trained
    at = "" if own else f"-at-{sigma:.2f}"
    few = not own or trained == _LEAST_SIGMA
    tables = (*_INTRS_TABLES.get(trained, ()), *(("intrs-2",) if own else ()))
    return Part(
        f"cifar10-resnet20-{trained:.2f}{at}{'-integer' if integer else ''}",
        "resnet20",
        sigma,
        n=1000,
        percent=(100,),
        compressions=("int8",) if own and not integer else (),
        images=200 if few else IMAGES,
        held_out=0 if few else HELD_OUT,
        tables=tables,
        trained=trained,
        integer=integer,
    )


_MAIN = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "intrs-2")
PARTS: tuple[Part, ...] = (
    Part("cifar10-resnet20-0.25", "resnet20", 0.25, tables=(*_MAIN, "intrs-5"), figures=("8",)),
    Part("cifar10-resnet20-0.50", "resnet20", 0.5, tables=_MAIN, figures=("9",)),
    Part("cifar10-resnet20-1.00", "resnet20", 1.0, tables=_MAIN, figures=("3a", "10")),
    Part(
        "cifar10-resnet20-1.00-wide",
        "resnet20",
        1.0,
        percent=_WIDE_PERCENT,
        compressions=("int8",),
        figures=("5",),
    ),
    Part(
        "cifar10-resnet20-1.00-n100000",
        "resnet20",
        1.0,
        n=100_000,
        compressions=("int8",),
        images=25,
        held_out=10,
        tables=("7",),
    ),
    # The float networks of the other sigmas are those of the studies above.
    _intrs(_LEAST_SIGMA, trained=_LEAST_SIGMA, integer=False),
    *(_intrs(sigma, trained=sigma, integer=True) for sigma in _INTRS_SIGMAS),
    *(
        _intrs(sigma, trained=trained, integer=integer)
        for trained in _INTRS_TABLES
        for sigma in _INTRS_SIGMAS
        for integer in (False, True)
        if sigma != trained
    ),
)


def parts_of(table: PaperTable) -> tuple[Part, ...]:
    """The studies that a table is measured from."""
    return tuple(part for part in PARTS if table.key in part.tables)


def find_part(studies: Sequence[Study], part: Part) -> Study | None:
    """The finished study with the part's model, sigma, draws and budgets on the most images."""
    return next(iter(_fitting(studies, part)), None)


def find_pair(studies: Sequence[Study], one: Part, other: Part) -> tuple[Study, Study] | None:
    """Finished studies of two parts on the same images, the most that both are on."""
    for first in _fitting(studies, one):
        for second in _fitting(studies, other):
            if first.record.data.digest == second.record.data.digest:
                return first, second
    return None


def _fitting(studies: Sequence[Study], part: Part) -> list[Study]:
    fitting = [study for study in studies if _fits(study, part)]
    return sorted(fitting, key=lambda study: -sum(study.record.data.reported))


def _fits(study: Study, part: Part) -> bool:
    spec = study.record.spec
    return (
        study.record.finished
        and spec.model.weights == part.weights
        and spec.noise.sigma == part.sigma
        and spec.n == part.n
        and spec.n_p == part.n_p
    )


def choose_gamma(study: Study) -> float:
    """The threshold with the largest ACR for int8 on the held-out images, at the largest budget.

    As in IRS, Section 5.4; of equal ones the least. The reported images play no part.
    """
    held_out = Analysis(tally_study(study), Settings.of(study.record.spec).one_sided, held_out=True)
    last = len(held_out.tally.budgets) - 1
    found = [one.value for one in held_out.gamma_sweep("int8", GAMMAS, last)]
    return GAMMAS[found.index(max(found))]
