"""The command that runs a study, and the tables it prints."""

import argparse
import sys
from dataclasses import replace
from math import isnan
from pathlib import Path

import pandas as pd

from irs_core import methods
from irs_core.analysis.analysis import Analysis
from irs_core.analysis.kept_tally import open_tally
from irs_core.analysis.ledger import (
    fresh_seed,
    spending,
    study_ledger,
    used_before,
    with_fixed_split,
)
from irs_core.analysis.tables import speedup_table, summary_table
from irs_core.analysis.tsv import certificates_tsv
from irs_core.analysis.why import why_table
from irs_core.cli.goals import add_goal_options, parse_goal, with_goal
from irs_core.cli.named import check_can_wait, read_models
from irs_core.cli.options import draw_bar
from irs_core.errors import SpecError
from irs_core.jobs import JobQueue, ensure_worker
from irs_core.run.options import RunOptions, Until
from irs_core.sampling.statements import describe_noise
from irs_core.spec import outward
from irs_core.spec.compression_kinds import known_compressions
from irs_core.spec.data_kinds import DATA_KINDS
from irs_core.spec.settings import Settings
from irs_core.spec.study import (
    BACKENDS,
    NOISE_KINDS,
    DataSpec,
    ModelSpec,
    NoiseSpec,
    StudySpec,
)
from irs_core.store import BASE, Library, StudyRecord, default_root


def add_certify(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command `certify`."""
    parser = commands.add_parser(
        "certify",
        help="certify a model once and its compressions incrementally",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        description="Radii are L2, in pixel units of images in [0, 1]. "
        "Whatever is stored already is not computed again.",
    )
    add_model_options(parser)
    add_data_options(parser)
    parser.add_argument(
        "--sigma", type=float, default=0.5, help="noise standard deviation, pixel units, > 0"
    )
    parser.add_argument(
        "--noise",
        choices=NOISE_KINDS,
        default="gaussian",
        help="floating-point noise, or whole steps of the pixel grid",
    )
    parser.add_argument(
        "--seed",
        type=_seed,
        default=0,
        help="seed of all noise, >= 0, or fresh: the least that no study of this model and these "
        "inputs used",
    )
    parser.add_argument(
        "--spend",
        action="store_true",
        help="with a fresh seed, at this study's part of one failure probability for all repeats",
    )
    parser.add_argument(
        "--looks",
        action="store_true",
        help="let results be seen while cirs runs: every round gets its own part of alpha",
    )
    parser.add_argument(
        "--compress",
        nargs="*",
        default=["fp16", "int8-dynamic", "prune:0.1"],
        metavar="C",
        help=f"compressions: {', '.join(known_compressions())}, call:package.module:make, or the "
        "URL of a model behind a server",
    )
    parser.add_argument("--n0", type=int, default=100, help="selection draws per input")
    parser.add_argument(
        "--n", type=int, default=10_000, help="estimation draws per input of the original"
    )
    parser.add_argument(
        "--np",
        nargs="+",
        default=["1%", "2%", "5%", "10%"],
        metavar="P",
        dest="n_p",
        help="draws per input of a compressed model: numbers, or percent of n",
    )
    parser.add_argument(
        "--alpha",
        type=float,
        default=0.001,
        help="failure probability of the bound on p_A, in (0, 1)",
    )
    parser.add_argument(
        "--alpha-zeta",
        type=float,
        default=0.001,
        help="failure probability of the bound on zeta, in (0, 1)",
    )
    parser.add_argument(
        "--gamma", type=float, default=0.99, help="threshold on p_lower, in (0.5, 1]"
    )
    parser.add_argument(
        "--no-baseline",
        action="store_true",
        help="leave out certification from scratch, for comparison",
    )
    parser.add_argument("--name", default="", help="a name for people")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--backend", choices=BACKENDS, default="auto", help="what runs the models")
    parser.add_argument("--batch", type=int, help="draws per forward pass; never changes the noise")
    parser.add_argument("--engine", help="local, local:N or tcp://host:port; default: IRS_ENGINE")
    parser.add_argument(
        "--queue", action="store_true", help="run in the background, see the command jobs"
    )
    parser.add_argument(
        "--store", type=Path, default=default_root(), help="folder of the live store"
    )
    add_goal_options(parser)
    add_result_options(parser, choose_method=False)
    parser.set_defaults(run=_certify)


def add_model_options(parser: argparse.ArgumentParser, *, positional: bool = False) -> None:
    """Options that choose the original; its file as an argument of its own, or as --model."""
    text = (
        "a file (safetensors, .pth, .onnx, .xml, TorchScript), shipped:NAME, package.module:make "
        "(a function of your own code), or http://HOST:PORT/v2/models/NAME"
    )
    if positional:
        parser.add_argument("model", help=text)
    else:
        parser.add_argument("--model", default="shipped:digits-0.50", help=text)
    parser.add_argument("--arch", help="architecture, where the file does not name it")
    parser.add_argument(
        "--classes", type=int, help="number of classes, where the file does not tell"
    )
    for name in ("mean", "std"):
        parser.add_argument(
            f"--{name}",
            type=float,
            nargs="+",
            metavar="X",
            help=f"{name} per channel of a normalisation inside the model, after the noise",
        )


def model_spec(arguments: argparse.Namespace) -> ModelSpec:
    """The original that the options describe."""
    return ModelSpec(
        arguments.model,
        arch=arguments.arch,
        num_classes=arguments.classes,
        mean=arguments.mean and tuple(arguments.mean),
        std=arguments.std and tuple(arguments.std),
    )


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """Options that choose a subset of a data set."""
    parser.add_argument("--data", choices=DATA_KINDS, default="digits", help="kind of data set")
    parser.add_argument("--root", help="folder of the data; not used by digits")
    parser.add_argument("--split", default="test", help="split or sub-folder")
    parser.add_argument("--start", type=int, default=0, help="first input")
    parser.add_argument("--skip", type=int, default=1, help="take every N-th input")
    parser.add_argument("--max", type=int, help="at most N inputs")
    parser.add_argument(
        "--holdout", type=int, default=0, help="further inputs for choosing gamma, never reported"
    )
    parser.add_argument("--size", type=int, help="resize images to this height and width")


def add_result_options(parser: argparse.ArgumentParser, *, choose_method: bool = True) -> None:
    """Options that choose what is printed of a study."""
    parser.add_argument(
        "--tsv",
        metavar="MODEL",
        help=f"print per-input results of {BASE} or of a compression instead of the table",
    )
    parser.add_argument(
        "--why", metavar="MODEL", help="print branch, bounds and draws of each input under cirs"
    )
    parser.add_argument(
        "--speedups",
        action="store_true",
        help="print area speedups of all methods over certifying from scratch, with leave rates",
    )
    if choose_method:
        parser.add_argument(
            "--method",
            choices=methods.names(),
            help="method whose results --tsv prints (default: the model's main one)",
        )


def data_spec(arguments: argparse.Namespace) -> DataSpec:
    """The subset that the options describe."""
    return DataSpec(
        kind=arguments.data,
        root=arguments.root,
        split=arguments.split,
        start=arguments.start,
        stride=arguments.skip,
        max=arguments.max,
        holdout=arguments.holdout,
        size=arguments.size,
    )


def parse_budgets(texts: list[str], n: int) -> tuple[int, ...]:
    """Draw budgets from numbers and percentages of n, sorted.

    Raises:
        SpecError: One is neither.
    """
    budgets = set()
    for text in texts:
        try:
            budgets.add(round(float(text[:-1]) * n / 100) if text.endswith("%") else int(text))
        except (ValueError, OverflowError):
            raise SpecError(
                f"n_p must be a whole number or a percentage of n; got {text!r}"
            ) from None
    return tuple(sorted(budgets))


def _seed(text: str) -> int | None:
    """A seed; None for a fresh one."""
    return None if text == "fresh" else int(text)


def _study_spec(arguments: argparse.Namespace) -> StudySpec:
    data = data_spec(arguments)
    model, compressions = read_models(model_spec(arguments), arguments.compress, data)
    spec = StudySpec(
        model=model,
        data=data,
        noise=NoiseSpec(arguments.sigma, seed=arguments.seed or 0, kind=arguments.noise),
        compressions=compressions,
        n0=arguments.n0,
        n=arguments.n,
        n_p=parse_budgets(arguments.n_p, arguments.n),
        alpha=arguments.alpha,
        alpha_zeta=arguments.alpha_zeta,
        gamma=arguments.gamma,
        baseline=not arguments.no_baseline,
        methods=tuple(one.name for one in methods.accelerated() if one.name in arguments.methods),
        decline=arguments.decline,
        looks=arguments.looks,
        name=arguments.name,
    )
    return with_fixed_split(spec)


def _certify(arguments: argparse.Namespace) -> None:
    spec = _on_fresh_draws(_study_spec(arguments), arguments)
    # The files that may be programs are those that the command names.
    options = RunOptions(
        arguments.device, arguments.batch, arguments.backend, arguments.engine, programs=True
    )
    goal = parse_goal(
        budget=arguments.budget, reach_acr=arguments.reach_acr, max_loss=arguments.max_loss
    )
    if goal is not None or arguments.forecast:
        if not any(method.plans for method in methods.asked(spec)):
            raise SpecError("budgets and forecasts are those of --method cirs")
        library = Library(arguments.store)
        spec = with_goal(
            spec,
            goal,
            library,
            lambda pilot: _run(pilot, library, options, until="pilot"),
            why=arguments.why if arguments.forecast else None,
        )
        if arguments.forecast:
            return
    arguments.method = next(one for one in arguments.methods if one in spec.methods)
    if arguments.queue:
        check_can_wait(spec)
        job = JobQueue(arguments.store).add(spec, options)
        ensure_worker(arguments.store)
        print(f"job {job.id} of study {spec.id}")
        return
    _run(spec, Library(arguments.store), options)
    arguments.id = spec.id
    show_results(arguments)


def _on_fresh_draws(spec: StudySpec, arguments: argparse.Namespace) -> StudySpec:
    """The study with a seed and levels that earlier results on the same inputs do not weaken."""
    records = [one.record for one in Library(arguments.store).studies()]
    if arguments.spend:
        return spending(spec, records)
    if arguments.seed is None:
        return replace(spec, noise=replace(spec.noise, seed=fresh_seed(spec, records)))
    before = used_before(spec, records)
    if before:
        print(
            f"note: study {before[0].id[:6]} used these draws before; --seed fresh draws new ones, "
            "which no result seen so far can have influenced",
            file=sys.stderr,
        )
    return spec


def _run(
    spec: StudySpec, library: Library, options: RunOptions, until: Until = "end"
) -> StudyRecord:
    # torch takes seconds to import; only a run needs it.
    from irs_core.run.study import run_study

    with draw_bar() as show:
        return run_study(spec, library, options=options, on_progress=show, until=until)


def show_results(arguments: argparse.Namespace) -> None:
    """Print a study's table, or one model's per-input results."""
    library = Library(arguments.store)
    study = library.open(arguments.id)
    spec = study.record.spec
    analysis = Analysis(open_tally(study, library.root), Settings.of(spec))
    if arguments.tsv:
        print(certificates_tsv(study.record, analysis, arguments.tsv, arguments.method), end="")
        return
    if arguments.why:
        last = len(spec.n_p) - 1
        _print_table(why_table(study.record, analysis, arguments.why, last))
        return
    if arguments.speedups:
        _print_table(speedup_table(study.record, analysis))
        return
    print(f"study {study.record.id}: {study.record.data.description}, sigma {spec.noise.sigma:g}")
    records = [one.record for one in library.studies()]
    said = study_ledger(spec, analysis.settings, records, reported=bool(study.banner))
    if study.banner:
        print(study.banner)
    print(f"n0 {spec.n0}, n {spec.n}, {len(analysis.labels)} reported inputs, {said.sentence}")
    for condition in said.conditions:
        print(condition)
    if spec.noise.integer:
        law = describe_noise(spec.noise.kind, spec.noise.sigma, spec.data.scale)
        print(f"noise: {law.title}; {law.law}\n{law.guarantee}")
    _print_table(summary_table(study.record, analysis))


def _print_table(table: pd.DataFrame) -> None:
    """Intervals share a column with their value, so that a row fits a terminal."""
    table = table.copy()
    for name in [one.removesuffix(" low") for one in map(str, table) if one.endswith(" low")]:
        ends = table.pop(f"{name} low"), table.pop(f"{name} high")
        side = outward.direction(name)
        rows = zip(table[name], *ends, strict=True)
        table[name] = [_with_ends(*values, side) for values in rows]
    for column in table.select_dtypes("float"):
        side = outward.direction(str(column))
        table[column] = ["-" if isnan(one) else outward.text(one, 4, side) for one in table[column]]
    print(table.to_string(index=False, na_rep="-"))


def _with_ends(value: float, low: float, high: float, side: outward.Direction) -> str:
    if isnan(value):
        return "-"
    shown = outward.significant(value, 4, side)
    ends = outward.significant(low, 4, "down"), outward.significant(high, 4, "up")
    return f"{shown} ({ends[0]}..{ends[1]})"
