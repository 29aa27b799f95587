"""A dry run of a model before it is certified: is it read right, how good and how fast is it?"""

from collections.abc import Sequence
from dataclasses import replace

from irs_core.check.case import Case
from irs_core.check.report import CheckReport, CheckRow
from irs_core.check.warnings import accuracy_flags, noise_lost, warned
from irs_core.check.words import described, ranges
from irs_core.data import Dataset, load_dataset
from irs_core.errors import ChannelsError
from irs_core.graphs.order_said import NOTHING_SAID
from irs_core.models import GraphModule, LoadedModel, load_model
from irs_core.run.fit import check_fit
from irs_core.run.normalisations import order_note, tried_otherwise
from irs_core.run.options import RunOptions
from irs_core.run.prepare import prepare_fixed
from irs_core.run.trial import Trial
from irs_core.spec.compressions import Compression
from irs_core.spec.study import DataSpec, ModelSpec, NoiseSpec, StudySpec
from irs_core.train.offers import offered

__all__ = ["DRAWS", "CheckReport", "CheckRow", "check_model"]

DRAWS = 20


def check_model(
    model: ModelSpec,
    data: DataSpec,
    *,
    sigma: float,
    compressions: Sequence[Compression] = (),
    seed: int = 0,
    draws: int = DRAWS,
    most: int | None = None,
    options: RunOptions | None = None,
) -> CheckReport:
    """Run the original and compressed classifiers on the images, without and with noise.

    Nothing is stored and nothing is certified: the shares are plain estimates. The noise comes
    from the `pilot` stream, which no certificate uses.

    Args:
        sigma: Noise in pixel units.
        draws: Noisy copies per image.
        most: Take at most so many of the reported images, from all over them, and those held out;
            None for all.

    Raises:
        IrsError: The model, the data or a compression cannot be used, or they do not fit.
    """
    noise = NoiseSpec(sigma, seed=seed)
    spec = StudySpec(model, data, noise, tuple(compressions), n0=1, n=1, n_p=(1,))
    options = options or RunOptions()
    base = load_model(model, programs=options.programs)
    spec, dataset = _fitting(spec, base, most)
    original, *others = prepare_fixed(spec, base, dataset, options)
    trial = Trial(dataset, noise, draws)
    case = Case(spec, base, dataset, options, trial, trial.answers(original.predictor))
    rows = (case.row(original, case.original), *(case.row(one) for one in others))
    ways: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()
    if noise_lost(rows[0]):
        ways, offers = offered(model, spec.data, sigma, base, dataset)
    clean = case.original.clean
    facts = base.module.file.facts if isinstance(base.module, GraphModule) else None
    inner = base.classifier.module
    order = inner.file.facts.order_said if isinstance(inner, GraphModule) else NOTHING_SAID
    tried = tried_otherwise(spec, base, dataset, options, clean, order_open=order.open)
    return CheckReport(
        described(base),
        f"{dataset.description}, {len(dataset)} images",
        rows,
        warned(case, rows),
        (
            *dataset.notes,
            *(facts.notes if facts else ()),
            *order_note(order, clean, dataset, tried),
        ),
        ranges(base, dataset),
        accuracy_flags(case, tried, rows),
        spec.data,
        ways,
        offers,
    )


def _fitting(spec: StudySpec, base: LoadedModel, most: int | None) -> tuple[StudySpec, Dataset]:
    """The data, made to fit the model's channels where only those differ."""
    dataset = load_dataset(spec.data, most)
    try:
        check_fit(spec, base, dataset)
    except ChannelsError as error:
        spec = replace(spec, data=replace(spec.data, channels=error.channels))
        dataset = load_dataset(spec.data, most)
        check_fit(spec, base, dataset)
    return spec, dataset
