"""What a study is: frozen, validated, serialisable descriptions with stable ids."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Literal, Self

from irs_core.errors import SpecError
from irs_core.spec.asked_radii import check_alone, check_radii
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.compressions import Compression, check_once, identity
from irs_core.spec.convention import CONVENTIONS, ONE_SIDED, Convention
from irs_core.spec.fields import (
    check_fields,
    check_gamma,
    check_items,
    check_probability,
    is_a,
    stable_id,
)
from irs_core.spec.method_names import BASELINE, METHOD_NAMES
from irs_core.spec.noise import (
    GENERATORS,
    NOISE_KINDS,
    STREAMS,
    Generator,
    NoiseKind,
    NoiseSpec,
    Stream,
)
from irs_core.spec.subject import (
    CHANNEL_ORDERS,
    MAX_CLASSES,
    ChannelOrder,
    DataSpec,
    ModelSpec,
)
from irs_core.text import NAME, plain

# A study is described by these, and whoever describes one finds them here.
__all__ = [
    "BACKENDS",
    "BASELINE",
    "BOUNDS",
    "CHANNEL_ORDERS",
    "GENERATORS",
    "MAX_CLASSES",
    "MAX_DRAWS",
    "METHOD_NAMES",
    "NOISE_KINDS",
    "SCHEMA_VERSION",
    "STREAMS",
    "BackendName",
    "BoundName",
    "ChannelOrder",
    "DataSpec",
    "Generator",
    "ModelSpec",
    "NoiseKind",
    "NoiseSpec",
    "Stream",
    "StudySpec",
]

SCHEMA_VERSION = 1
# Draws per input of one stream; evidence arrays are this wide.
MAX_DRAWS = 10_000_000

BoundName = Literal["split", "joint"]
BOUNDS: tuple[BoundName, ...] = ("split", "joint")
BackendName = Literal["auto", "torch", "torch-compiled", "openvino", "onnxruntime"]
BACKENDS: tuple[BackendName, ...] = ("auto", "torch", "torch-compiled", "openvino", "onnxruntime")


@dataclass(frozen=True)
class StudySpec:
    """One base classifier, certified once, and compressed ones certified incrementally.

    Args:
        n0: Selection draws per input, in [1, MAX_DRAWS]; the same for f and for the baseline.
        n: Estimation draws of f per input, in [1, MAX_DRAWS].
        n_p: Draw budgets per input of each compressed classifier, each in [1, n]; sorted.
        alpha: Failure probability of the bound on p_A, in (0, 1).
        alpha_zeta: Failure probability of the bound on zeta, in (0, 1).
        gamma: Threshold on p_lower between the two estimators of IRS, in (0.5, 1].
        baseline: Certify each compressed classifier from scratch as well, for comparison.
        methods: What draws are computed for, beside the baseline: some of `METHOD_NAMES`. Results
            of these are shown, and with the baseline those of every method that names no radius;
            see `analysis.levels.shown`.
        decline: Radius that `iss` may lose against n_p draws, in pixel units, positive.
        max_loss: Radius that an input may be expected to lose under `cirs` against certifying the
            compressed classifier from scratch with n draws, in pixel units, positive. Inputs then
            get as few draws as that takes, and n_p only says what total is expected. None divides
            the budget n_p.
        split_draws: Draws per input that `cirs` splits its failure probability, or chooses its
            levels, and sets its threshold for, in [1, n]. None for each n_p, which then must be
            chosen before any estimation draw of f is seen; see
            `irs_core.analysis.ledger.with_fixed_split`.
        bound: How `cirs` bounds an incremental input: `split` divides its failure probability
            between the cached draws and the leavers, `joint` does not. Studies from before there
            was a choice keep the split.
        looks: Whether results may be seen while it runs. Each round of a method that plans is then
            certified at its own part of the failure probability, the last one at half of it.
        radii: L2 radii in pixel units at which `seq` asks whether f^p is certified, increasing;
            one at least with that method, none without it. Without compressions it asks the same
            of f itself, from scratch, and n is the most draws that an input may take.
        tolerance: How much less than each of the radii f^p has to withstand under `seq`, in pixel
            units, in [0, least radius]. Above 0, inputs on which f itself falls short of the
            radius, or which f^p leaves rarely enough, take no further draws.
        convention: Of the radii. Under `two-sided` the draws that such radii need are drawn too:
            the classes other than the candidate are bounded as well where few selection draws
            gave it.
        name: For people; does not enter the id.
    """

    model: ModelSpec
    data: DataSpec
    noise: NoiseSpec
    compressions: tuple[Compression, ...]
    n0: int = 100
    n: int = 10_000
    n_p: tuple[int, ...] = (100, 200, 300, 400, 500, 600, 700, 800, 900, 1000)
    alpha: float = 0.001
    alpha_zeta: float = 0.001
    gamma: float = 0.99
    baseline: bool = True
    methods: tuple[str, ...] = ("irs",)
    decline: float = 0.05
    max_loss: float | None = None
    split_draws: int | None = None
    bound: BoundName = "split"
    looks: bool = False
    radii: tuple[float, ...] = ()
    tolerance: float = 0.0
    convention: Convention = ONE_SIDED
    name: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        check_fields(self, int, "n0", "n")
        check_items("n_p", self.n_p, int)
        check_fields(self, float, "alpha", "alpha_zeta", "gamma", "decline", "tolerance")
        check_items("radii", self.radii, float)
        check_fields(self, float, "max_loss", optional=True)
        check_fields(self, int, "split_draws", optional=True)
        check_items("methods", self.methods, str)
        check_fields(self, str, "bound", "convention")
        check_fields(self, bool, "baseline", "looks")
        check_fields(self, str, "name")
        if plain(self.name, NAME) != self.name:
            raise SpecError(
                f"name may have {NAME} letters and none that are not seen; got {self.name!r:.80}"
            )
        if self.n0 < 1 or self.n < 1:
            raise SpecError(f"n0 and n must be at least 1; got n0={self.n0}, n={self.n}")
        if max(self.n0, self.n) > MAX_DRAWS:
            raise SpecError(f"n0 and n must be at most {MAX_DRAWS}; got n0={self.n0}, n={self.n}")
        if not self.n_p:
            raise SpecError("n_p needs at least one draw budget; got none")
        if list(self.n_p) != sorted(set(self.n_p)):
            raise SpecError(f"n_p must be strictly increasing; got {self.n_p}")
        if self.n_p[0] < 1 or self.n_p[-1] > self.n:
            raise SpecError(f"every n_p must be in [1, n={self.n}]; got {self.n_p}")
        check_probability("alpha", self.alpha)
        check_probability("alpha_zeta", self.alpha_zeta)
        if self.alpha + self.alpha_zeta >= 1:
            raise SpecError(
                f"alpha + alpha_zeta must be below 1; got {self.alpha + self.alpha_zeta}"
            )
        check_gamma(self.gamma)
        _check_methods(self)
        check_once(self.compressions)

    @cached_property
    def id(self) -> str:
        """Stable id of everything but the name."""
        described = self.to_dict()
        del described["name"]
        described["compressions"] = [identity(compression) for compression in self.compressions]
        return stable_id(described)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-serialisable description, read back by `from_dict`."""
        described = asdict(self)
        described["compressions"] = [str(compression) for compression in self.compressions]
        described["noise"] = self.noise.to_dict()
        described["n_p"] = list(self.n_p)
        described["methods"] = list(self.methods)
        described["radii"] = list(self.radii)
        for key, value in _LATER_DEFAULTS.items():
            # Studies from before there was a choice keep their ids.
            if described[key] == value:
                del described[key]
        for part, key, value in _LATER_PARTS:
            if described[part][key] == value:
                del described[part][key]
        for key in ("mean", "std"):
            if described["model"][key] is not None:
                described["model"][key] = list(described["model"][key])
        return described

    @classmethod
    def from_dict(cls, described: Mapping[str, Any]) -> Self:
        """The study that `to_dict` described.

        Raises:
            SpecError: A field is missing, unknown, of the wrong type or out of range.
        """
        try:
            fields = {**_LATER_DEFAULTS, **described}
            if is_a(fields.get("name"), str):
                # Studies with longer names are stored.
                fields["name"] = plain(fields["name"], NAME)
            texts = fields.pop("compressions")
            if not isinstance(texts, list | tuple):
                raise SpecError(f"compressions must be a list of texts; got {texts!r}")
            model = dict(fields.pop("model"))
            for key in ("mean", "std"):
                if model.get(key) is not None:
                    model[key] = tuple(model[key])
            return cls(
                model=ModelSpec(**model),
                data=DataSpec(**fields.pop("data")),
                noise=NoiseSpec(**fields.pop("noise")),
                compressions=tuple(parse_compression(text) for text in texts),
                n_p=tuple(fields.pop("n_p")),
                methods=tuple(fields.pop("methods")),
                radii=tuple(fields.pop("radii")),
                **fields,
            )
        except (TypeError, KeyError, AttributeError) as error:
            raise SpecError(f"not a study description: {error}") from None

    @property
    def original_stops(self) -> bool:
        """Whether f itself is certified at radii, each input until its answer is known.

        Only f alone: what is certified incrementally rests on a number of draws of f that was
        fixed beforehand.
        """
        return bool(self.radii) and not self.compressions

    @property
    def partial(self) -> bool:
        """Whether some inputs' draws of a compressed classifier may not be needed."""
        return not self.baseline or self.methods != ("irs",)


_LATER_DEFAULTS: Mapping[str, Any] = {
    "methods": ["irs"],
    "decline": 0.05,
    "max_loss": None,
    "split_draws": None,
    "bound": "split",
    "looks": False,
    "radii": [],
    "tolerance": 0.0,
    "convention": ONE_SIDED,
}


# Choices that came later, of the model and of the data.
_LATER_PARTS = (
    ("model", "output", None),
    ("model", "denoiser", None),
    ("model", "channel_order", "rgb"),
    ("data", "channels", None),
    ("data", "class_list", None),
)


def _check_methods(spec: StudySpec) -> None:
    possible = [name for name in METHOD_NAMES if name != BASELINE]
    known = [name for name in possible if name in spec.methods]
    if list(spec.methods) != known or not known:
        raise SpecError(
            f"methods must be some of {', '.join(possible)}, each once and in this order; "
            f"got {spec.methods}"
        )
    if not 0 < spec.decline < math.inf:
        raise SpecError(f"decline must be positive and finite; got {spec.decline}")
    if spec.split_draws is not None and not 1 <= spec.split_draws <= spec.n:
        raise SpecError(f"split_draws must be in [1, n={spec.n}]; got {spec.split_draws}")
    if spec.bound not in BOUNDS:
        raise SpecError(f"bound must be one of {', '.join(BOUNDS)}; got {spec.bound!r}")
    if spec.convention not in CONVENTIONS:
        raise SpecError(
            f"convention must be one of {', '.join(CONVENTIONS)}; got {spec.convention!r}"
        )
    check_radii(spec.methods, spec.radii, spec.tolerance)
    if spec.original_stops:
        check_alone(spec.methods, spec.tolerance, spec.convention)
    if spec.max_loss is None:
        return
    if not 0 < spec.max_loss < math.inf:
        raise SpecError(f"max_loss must be positive and finite; got {spec.max_loss}")
    if spec.methods != ("cirs",) or len(spec.n_p) != 1:
        raise SpecError("max_loss is for the method cirs alone, with one n_p")
