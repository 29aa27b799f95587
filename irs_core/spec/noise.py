"""The noise of a study: its law, and what determines every draw."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from irs_core.errors import SpecError
from irs_core.spec.fields import check_fields

NoiseKind = Literal["gaussian", "discrete", "rounded"]
NOISE_KINDS: tuple[NoiseKind, ...] = ("gaussian", "discrete", "rounded")
Generator = Literal["sfc64", "philox"]
GENERATORS: tuple[Generator, ...] = ("sfc64", "philox")
Stream = Literal["select", "estimate", "scratch-select", "scratch-estimate", "pilot"]
STREAMS: tuple[Stream, ...] = (
    "select",
    "estimate",
    "scratch-select",
    "scratch-estimate",
    "pilot",
)

# More than that hides every pixel of [0, 1] from every classifier.
MOST_SIGMA = 10.0


def check_sigma(sigma: float, *, zero: bool = False) -> None:
    """Refuse what cannot be a standard deviation in pixel units.

    Args:
        zero: Whether there may be no noise at all.

    Raises:
        SpecError: Sigma is not above 0, or 0 where that may be, or above 10.
    """
    if not (sigma >= 0 if zero else sigma > 0):
        raise SpecError(f"sigma must be {'at least 0' if zero else 'positive'}; got {sigma:g}")
    if not sigma <= MOST_SIGMA:
        meant = f"; {sigma:g} of 255 is {sigma / 255:.3g}" if sigma <= 255 else ""
        raise SpecError(
            f"sigma must be at most {MOST_SIGMA:g}, as pixels are in [0, 1]; got {sigma:g}{meant}"
        )


@dataclass(frozen=True)
class NoiseSpec:
    """The noise under which classifiers are smoothed.

    Args:
        sigma: Standard deviation in pixel units ([0, 1] images), in (0, 10].
        seed: Any non-negative integer; with stream, group and chunk it determines every draw.
        kind: Independent noise per pixel, added before normalisation. `gaussian`: normal, in
            floating point. `rounded`: normal, rounded to the grid of pixel values. `discrete`:
            discrete normal on that grid. The last two are drawn and added in integers.
        group: So many consecutive inputs share the same noise draws. 1: all independent.
        generator: Makes the random integers that noise is made of. `sfc64`: one sequential stream
            per chunk of draws. `philox`: every draw by its number, integer noise only; the law of
            the noise is the same. See `NoiseSpec.chosen`.
    """

    sigma: float
    seed: int = 0
    kind: NoiseKind = "gaussian"
    group: int = 1
    generator: Generator = "sfc64"

    def __post_init__(self) -> None:
        check_fields(self, float, "sigma")
        check_fields(self, int, "seed", "group")
        check_fields(self, str, "kind", "generator")
        check_sigma(self.sigma)
        if not 0 <= self.seed < 2**63:
            raise SpecError(f"seed must be in [0, 2^63); got {self.seed}")
        if self.kind not in NOISE_KINDS:
            raise SpecError(
                f"noise kind must be one of {', '.join(NOISE_KINDS)}; got {self.kind!r}"
            )
        if self.group < 1:
            raise SpecError(f"group must be at least 1; got {self.group}")
        if self.generator not in GENERATORS:
            raise SpecError(
                f"generator must be one of {', '.join(GENERATORS)}; got {self.generator!r}"
            )
        if self.generator == "philox" and not self.integer:
            raise SpecError(
                "the generator philox makes rounded and discrete noise only; "
                f"{self.kind} noise takes sfc64"
            )

    @classmethod
    def chosen(
        cls,
        sigma: float,
        seed: int = 0,
        kind: NoiseKind = "gaussian",
        generator: Generator | None = None,
    ) -> Self:
        """The noise of a study that is begun: integer noise by counter unless asked otherwise.

        A study without a generator in its description is from before there was a choice.
        """
        usual: Generator = "sfc64" if kind == "gaussian" else "philox"
        return cls(sigma, seed, kind, generator=generator or usual)

    def to_dict(self) -> dict[str, Any]:
        """A description, without what was no choice once, so that ids rest on the same texts."""
        described = asdict(self)
        if self.generator == "sfc64":
            del described["generator"]
        return described

    @property
    def integer(self) -> bool:
        """Whether noise and noisy images are whole numbers of grid steps."""
        return self.kind != "gaussian"
