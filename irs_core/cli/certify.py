"""The command that runs a study."""

import argparse
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from irs_core import methods
from irs_core.actions import Acting
from irs_core.actions.jobs import launch
from irs_core.analysis.ledger import (
    fresh_seed,
    spending,
    used_before,
    with_fixed_split,
)
from irs_core.cli.certify_options import add_certify_options, usual_compressions
from irs_core.cli.goals import with_goal
from irs_core.cli.inputs import (
    MAX_IMAGES,
    data_spec,
    model_spec,
)
from irs_core.cli.named import check_can_wait, read_models, rights_to_wait
from irs_core.cli.options import draw_bar, path
from irs_core.cli.printing import print_json
from irs_core.cli.results import check_one_format, show_results
from irs_core.cli.study_file import from_file
from irs_core.errors import ChannelsError, SpecError, reason
from irs_core.jobs import ensure_worker
from irs_core.run.options import RunOptions, Until
from irs_core.spec.budgets import parse_budgets
from irs_core.spec.convention import ONE_SIDED
from irs_core.spec.goal import Goal, read_goal
from irs_core.spec.paths import settled
from irs_core.spec.study import (
    NoiseSpec,
    StudySpec,
)
from irs_core.spec.study_file import study_text
from irs_core.store import Library, StudyRecord

if TYPE_CHECKING:
    from irs_core.run.forecast import Forecast


def add_certify(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command `certify`."""
    parser = commands.add_parser(
        "certify",
        help="certify a model once and its compressions incrementally",
        description="Radii are L2, in pixel units of images in [0, 1]. "
        "Whatever is stored already is not computed again.",
    )
    parser.add_argument(
        "file",
        nargs="?",
        type=path,
        metavar="STUDY.yaml",
        help="a study as a file (docs/study-file.md), instead of the options that describe one",
    )
    add_certify_options(parser)
    parser.set_defaults(run=_certify, parser=parser, goal=None)


def _study_spec(arguments: argparse.Namespace) -> StudySpec:
    if arguments.file is not None:
        return from_file(arguments)
    data = data_spec(arguments)
    model, compressions = read_models(model_spec(arguments), arguments.compress, data)
    spec = StudySpec(
        model=model,
        data=data,
        noise=NoiseSpec.chosen(
            arguments.sigma, arguments.seed or 0, arguments.noise, arguments.generator
        ),
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
        radii=tuple(sorted(set(arguments.radii))),
        tolerance=arguments.tolerance,
        convention=arguments.convention or ONE_SIDED,
        name=arguments.name,
    )
    return with_fixed_split(spec, arguments.bound)


def _certify(arguments: argparse.Namespace) -> None:
    check_one_format(arguments)
    if arguments.file is None and arguments.compress is None:
        arguments.compress = usual_compressions(model_spec(arguments))
    if arguments.dry_run:
        from irs_core.cli.check import DRAWS, check_models, dry_run

        arguments.draws = DRAWS
        if arguments.file is not None:
            said = from_file(arguments)
            arguments.sigma, arguments.seed = said.noise.sigma, said.noise.seed
            most = min(said.data.max or MAX_IMAGES, MAX_IMAGES)
            check_models(
                said.model,
                said.compressions,
                replace(said.data, max=most),
                arguments,
                lambda: _forecast(said, arguments),
            )
            return
        asked = _study_spec(arguments)
        arguments.seed = arguments.seed or 0
        arguments.max = min(arguments.max or MAX_IMAGES, MAX_IMAGES)
        dry_run(arguments, lambda: _forecast(asked, arguments))
        return
    spec = _on_fresh_draws(_study_spec(arguments), arguments)
    if arguments.write is not None:
        _write(spec, arguments)
        return
    # The files that may be programs are those that the command names.
    programs = arguments.file is None or arguments.allow_code
    options = RunOptions(
        arguments.device, arguments.batch, arguments.backend, arguments.engine, programs=programs
    )
    goal = _goal(arguments)
    if goal is not None or arguments.forecast:
        _check_plans(spec)
        library = Library(arguments.store)
        spec = with_goal(
            spec,
            goal,
            library,
            lambda pilot: _run(pilot, library, options, until="pilot"),
            why=arguments.why if arguments.forecast else None,
            as_json=arguments.json and arguments.forecast,
        )
        if arguments.forecast:
            return
    arguments.method = next(one for one in arguments.methods if one in spec.methods)
    if arguments.queue:
        check_can_wait(spec)
        spec = _from_anywhere(spec)
        job = launch(Acting(arguments.store), spec, rights_to_wait(spec, options))
        ensure_worker(arguments.store)
        if arguments.json:
            print_json("certify", {"job": job.id, "study": spec.id})
        else:
            print(f"job {job.id} of study {spec.id}")
        return
    arguments.id = _run_fitted(spec, Library(arguments.store), options).id
    show_results(arguments)


def _write(spec: StudySpec, arguments: argparse.Namespace) -> None:
    """Write the study as a file, with full paths, which mean the same from every folder."""
    goal = _goal(arguments)
    if goal is not None:
        _check_plans(spec)
    try:
        arguments.write.write_text(study_text(_from_anywhere(spec), goal), encoding="utf-8")
    except OSError as error:
        raise SpecError(f"cannot write {arguments.write}: {reason(error)}") from None
    if arguments.json:
        print_json("certify", {"file": str(arguments.write), "study": spec.id})
    else:
        print(f"{arguments.write}: study {spec.id[:6]}" + (", with its goal" if goal else ""))


def _check_plans(spec: StudySpec) -> None:
    if not any(method.plans for method in methods.asked(spec)):
        raise SpecError("budgets and forecasts are those of --method cirs")


def _goal(arguments: argparse.Namespace) -> Goal | None:
    """The goal in the study file, or that of the options."""
    goal: Goal | None = arguments.goal
    return goal or read_goal(
        budget=arguments.budget, reach_acr=arguments.reach_acr, max_loss=arguments.max_loss
    )


def _forecast(spec: StudySpec, arguments: argparse.Namespace) -> "Forecast":
    # Beside torch, what measures is not needed by other commands.
    from irs_core.run.forecast import measure_forecast

    options = RunOptions(
        arguments.device, arguments.batch, arguments.backend, arguments.engine, programs=True
    )
    return measure_forecast(spec, Library(arguments.store), options, command=True)


def _on_fresh_draws(spec: StudySpec, arguments: argparse.Namespace) -> StudySpec:
    """The study with a seed and levels that earlier results on the same inputs do not weaken."""
    records = Library(arguments.store).seen_records()
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


def _from_anywhere(spec: StudySpec) -> StudySpec:
    """The study with full paths, since a worker may have been started in another folder."""
    root = spec.data.root
    return replace(
        spec,
        model=replace(
            spec.model,
            weights=settled(spec.model.weights),
            denoiser=spec.model.denoiser and settled(spec.model.denoiser),
        ),
        data=replace(
            spec.data,
            root=None if root is None else settled(root),
            class_list=spec.data.class_list and settled(spec.data.class_list),
        ),
    )


def _run_fitted(spec: StudySpec, library: Library, options: RunOptions) -> StudyRecord:
    """Run a study; grey images are repeated, or colours made grey, where the model needs that."""
    try:
        return _run(spec, library, options)
    except ChannelsError as error:
        print(f"note: {error}, which is done", file=sys.stderr)
        fitted = replace(spec, data=replace(spec.data, channels=error.channels))
        return _run(fitted, library, options)


def _run(
    spec: StudySpec, library: Library, options: RunOptions, until: Until = "end"
) -> StudyRecord:
    # torch takes seconds to import; only a run needs it.
    from irs_core.run.study import run_study

    with draw_bar() as show:
        return run_study(spec, library, options=options, on_progress=show, until=until)
