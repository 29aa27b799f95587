"""The three ways of IntRS side by side: certified accuracy by radius, published and measured.

Lin et al. 2021, supplement, tables 2, 4 and 5: FloatRS-fp is the float network under Gaussian
noise (Cohen et al. 2019), IntRS-quant the integer network under integer noise. The paper does not
say what its FloatRS-quant computes; here it is the int8 network of the study under Gaussian noise,
with float scales, as runtimes execute it.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

import numpy as np

from irs_core.analysis.results import Interval, share_interval
from irs_core.certify import ABSTAIN, Certificates, certify_rs
from irs_core.errors import SpecError
from irs_core.integer.files import ARCH
from irs_core.methods.kit.counting import count_classes
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.compressions import IntegerOnly
from irs_core.spec.study import Stream
from irs_core.store import BASE, ModelRecord, Study

IntMethod = Literal["FloatRS-fp", "IntRS-quant", "FloatRS-quant"]
METHODS: tuple[IntMethod, ...] = ("FloatRS-fp", "IntRS-quant", "FloatRS-quant")
RADII = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
_FILE = "intrs_tables_2_4_5_cifar10.csv"
_INTEGER_EXECUTION = "integer int8"


@dataclass(frozen=True)
class CertifiedShare:
    """Certified accuracy of one method at one radius.

    Args:
        radius: Pixel units of images in [0, 1].
        measured: Share of images that are right and certified beyond the radius, with its 95%
            interval over images.
        published: The paper's number for ResNet-20 on CIFAR-10; None where it gives none.
        n: Estimation draws per image.
        images: Reported images.
        study: Id of the study that it is measured in.
        rate: Draws per second, measured in the study, noise included; NaN where not noted.
    """

    method: IntMethod
    radius: float
    measured: Interval
    published: float | None
    n: int
    images: int
    study: str
    rate: float

    @property
    def difference(self) -> float:
        """Measured less published; NaN without a published number."""
        return float("nan") if self.published is None else self.measured.value - self.published


def compare_methods(
    floating: Study,
    integer: Study,
    *,
    alpha: float,
    radii: Sequence[float] = RADII,
    published: Mapping[tuple[str, float], float] | None = None,
) -> list[CertifiedShare]:
    """Certified accuracy of the methods that two studies of the same images hold.

    All are certified from scratch (Cohen et al. 2019) with equally many draws, the most that each
    of them has, each from its own selection and estimation draws.

    Args:
        floating: Of the float network under Gaussian noise; its `int8` is FloatRS-quant.
        integer: Under integer noise, of an integer network or with one among its compressed ones.
        alpha: Failure probability per image and method, in (0, 1).
        published: By method and radius, from `published_shares`.

    Raises:
        SpecError: The studies differ in images or sigma, or have another kind of noise.
        MissingEvidenceError: A study is not finished.
    """
    _check_pair(floating, integer)
    found = _classifiers(floating, integer)
    draws = min(_draws(study, name) for study, name in found.values())
    rows = []
    for method, (study, name) in found.items():
        certificates = certify_from_scratch(study, name, n=draws, alpha=alpha)
        rows += _rows(method, study, name, certificates, radii, published or {}, draws)
    return rows


def certify_from_scratch(study: Study, name: str, *, n: int, alpha: float) -> Certificates:
    """Cohen's certificates of one classifier of a study, of its reported images, (images,).

    Args:
        n: Estimation draws, at most those that the study has of it.

    Raises:
        MissingEvidenceError: Some draws are not stored.
    """
    model, spec = _model(study, name), study.record.spec
    select, estimate = _streams(name)
    classes = max(len(study.record.data.classes), 2)
    reported = np.asarray(study.record.data.reported)
    selection = study.evidence(model.evidence[select]).read_complete(spec.n0)[reported]
    estimation = study.evidence(model.evidence[estimate]).read_complete(n)[reported]
    classes = max(classes, 1 + int(max(selection.max(), estimation.max())))
    return certify_rs(
        count_classes(selection, classes),
        count_classes(estimation, classes),
        n0=spec.n0,
        n=n,
        alpha=alpha,
        sigma=spec.noise.sigma,
    )


def published_shares(sigma: float, *, train_sigma: float) -> dict[tuple[str, float], float]:
    """Published certified accuracies by method and radius; empty where the paper has none.

    Args:
        sigma: Of the noise in certification, pixel units.
        train_sigma: Of the noise in training: equal to sigma in table 2, 0.12 and 0.25 in tables
            4 and 5.
    """
    text = (files("irs_core.papers") / "data" / _FILE).read_text(encoding="utf-8")
    return {
        (row["method"], float(row["radius"])): float(row["certified_accuracy"])
        for row in csv.DictReader(text.splitlines())
        if float(row["sigma"]) == sigma and float(row["train_sigma"]) == train_sigma
    }


def _check_pair(floating: Study, integer: Study) -> None:
    one, other = floating.record, integer.record
    if one.spec.noise.integer or not other.spec.noise.integer:
        raise SpecError(
            "the comparison needs a study under gaussian noise and one under integer noise; got "
            f"{one.spec.noise.kind} and {other.spec.noise.kind}"
        )
    if one.data.digest != other.data.digest or one.spec.noise.sigma != other.spec.noise.sigma:
        raise SpecError(
            "both studies must be of the same images at the same sigma; got "
            f"{one.data.description} at {one.spec.noise.sigma:g} and "
            f"{other.data.description} at {other.spec.noise.sigma:g}"
        )


def _classifiers(floating: Study, integer: Study) -> dict[IntMethod, tuple[Study, str]]:
    found: dict[IntMethod, tuple[Study, str]] = {"FloatRS-fp": (floating, BASE)}
    whole = [m.name for m in integer.record.models if m.execution == _INTEGER_EXECUTION]
    if not whole:
        raise SpecError(
            f"study {integer.record.id} has no integer network; compress with "
            f"{IntegerOnly()} or certify a file of architecture {ARCH}"
        )
    found["IntRS-quant"] = (integer, whole[0])
    if any(model.name == str(parse_compression("int8")) for model in floating.record.models):
        found["FloatRS-quant"] = (floating, "int8")
    return found


def _streams(name: str) -> tuple[Stream, Stream]:
    return ("select", "estimate") if name == BASE else ("scratch-select", "scratch-estimate")


def _model(study: Study, name: str) -> ModelRecord:
    return next(model for model in study.record.models if model.name == name)


def _draws(study: Study, name: str) -> int:
    spec = study.record.spec
    return spec.n if name == BASE else spec.n_p[-1]


def _rows(
    method: IntMethod,
    study: Study,
    name: str,
    certificates: Certificates,
    radii: Sequence[float],
    published: Mapping[tuple[str, float], float],
    draws: int,
) -> list[CertifiedShare]:
    record = study.record
    labels = np.asarray(record.data.labels)[np.asarray(record.data.reported)]
    right = (certificates.predicted == labels) & (certificates.predicted != ABSTAIN)
    array = study.evidence(_model(study, name).evidence[_streams(name)[1]])
    seconds = array.seconds_per_draw(draws)
    rate = float("nan") if np.isnan(seconds).any() else float(1 / seconds.mean())
    return [
        CertifiedShare(
            method=method,
            radius=radius,
            measured=share_interval(right & (certificates.radius > radius)),
            published=published.get((method, radius)),
            n=draws,
            images=len(labels),
            study=record.id,
            rate=rate,
        )
        for radius in radii
    ]
