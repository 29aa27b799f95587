"""`tune`: the search itself, and where it stands."""

import argparse
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from irs_core.actions import Acting
from irs_core.actions.jobs import launch
from irs_core.cli.measuring import measured
from irs_core.cli.options import draw_bar
from irs_core.cli.printing import print_json
from irs_core.decide import Requirement
from irs_core.decide.requirement import share_of
from irs_core.errors import SpecError
from irs_core.goals.settling import Standing, settled
from irs_core.jobs import ensure_worker
from irs_core.run.options import RunOptions
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.compressions import Compression
from irs_core.spec.mixed import parse_treatment
from irs_core.spec.outward import text, up
from irs_core.spec.paths import settled as settled_path
from irs_core.spec.study import NoiseSpec, StudySpec
from irs_core.store import Library
from irs_core.tune.propose import OBJECTIVES, PROPOSERS, TREATMENTS, propose
from irs_core.tune.record import Sensitivity, kept, save
from irs_core.tune.search import (
    Outcome,
    inputs_needed,
    outcome,
    prepare_search,
    read_search,
    save_search,
)

if TYPE_CHECKING:
    from irs_core.tune.images import ApartImages


def add_search_options(parser: argparse.ArgumentParser) -> None:
    """The options of a search."""
    parser.add_argument(
        "--study", metavar="ID", help="study whose original, inputs and draws it takes"
    )
    parser.add_argument("--root", help="where the data are, if not where the study says")
    parser.add_argument("--radius", type=float, help="L2 radius that counts (default: sigma)")
    parser.add_argument(
        "--tolerance", type=float, help="how much less will do (default: a tenth of sigma)"
    )
    parser.add_argument(
        "--max-loss", type=share_of, default=0.01, help="share that may be lost, e.g. 1%%"
    )
    parser.add_argument(
        "--confidence", type=float, default=0.99, help="of all verdicts together, in [0.75, 1)"
    )
    parser.add_argument("--objective", choices=OBJECTIVES, default="latency", help="what to save")
    parser.add_argument(
        "--candidates", type=int, default=24, help="how many are proposed, fixed beforehand"
    )
    parser.add_argument(
        "--propose", choices=PROPOSERS, default="greedy", help="what proposes the candidates"
    )
    parser.add_argument(
        "--also", nargs="*", default=[], metavar="C", help="candidates of your own, as in certify"
    )
    parser.add_argument("--budget", type=float, metavar="N", help="about N draws per input at most")
    parser.add_argument("--seed", type=int, default=1, help="of noise and proposals before it")
    parser.add_argument("--images", type=int, default=100, help="images that layers are ranked on")
    parser.add_argument("--draws", type=int, default=128, help="noisy copies of each of them")
    parser.add_argument("--queue", action="store_true", help="certify in the background")


def search(arguments: argparse.Namespace) -> None:
    """Rank layers, propose, certify until settled, measure costs, name the best."""
    if arguments.study is None:
        raise SpecError(
            "a search starts from a study, whose original's draws it uses: --study ID, or the "
            "action sensitivity (--help says how)"
        )
    library = Library(arguments.store)
    study = library.open(arguments.study)
    base = study.record.spec
    if arguments.root is not None:
        base = replace(base, data=replace(base.data, root=settled_path(arguments.root)))
    asked = _requirement(arguments, base)
    library.take_over(study)
    found, candidates = _candidates(arguments, base, asked)
    spec, made = prepare_search(
        base,
        candidates,
        asked,
        arguments.objective,
        proposer=arguments.propose,
        seed=arguments.seed,
        sensitivity=found.id,
        budget=arguments.budget,
    )
    save_search(library.root, made)
    needed = inputs_needed(asked, spec, sum(study.record.data.reported))
    if needed is not None:
        print(
            f"note: none of {len(candidates)} candidates can be shown to lose so little on fewer "
            f"than {needed:,} inputs",
            file=sys.stderr,
        )
    options = RunOptions(settle=made.requirement, most_draws=made.budget)
    if arguments.queue:
        job = launch(Acting(arguments.store), spec, options)
        ensure_worker(arguments.store)
        if arguments.json:
            print_json("tune", {"job": job.id, "study": spec.id})
        else:
            print(f"job {job.id} of study {spec.id}; ./irs tune results {spec.id} shows it")
        return
    _run(spec, library, options)
    arguments.id, arguments.measure = spec.id, True
    show(arguments)


def _requirement(arguments: argparse.Namespace, spec: StudySpec) -> Requirement:
    sigma = spec.noise.sigma
    tolerance = round(sigma / 10, 4) if arguments.tolerance is None else arguments.tolerance
    return Requirement(
        radius=sigma if arguments.radius is None else arguments.radius,
        tolerance=tolerance,
        max_loss=arguments.max_loss,
        confidence=arguments.confidence,
    )


def _candidates(
    arguments: argparse.Namespace, spec: StudySpec, asked: Requirement
) -> tuple[Sensitivity, tuple[Compression, ...]]:
    """Sensitivities, measured where they are not kept already, and what they propose."""
    from irs_core.models import load_model
    from irs_core.tune.images import images_apart

    model = load_model(spec.model)
    images = images_apart(spec.data, arguments.images)
    noise = NoiseSpec(spec.noise.sigma, seed=arguments.seed)
    wanted = TREATMENTS[arguments.objective]
    found = _kept(arguments, model.digest, images, noise, asked.radius, wanted)
    if found is None:
        found = measured(
            model,
            images,
            [parse_treatment(one) for one in wanted],
            noise=noise,
            radius=asked.radius,
            draws=arguments.draws,
            weights=spec.model.weights,
        )
        save(arguments.store, found)
    own = tuple(parse_compression(one) for one in arguments.also)
    proposed = propose(
        found,
        arguments.objective,
        arguments.candidates,
        proposer=arguments.propose,
        seed=arguments.seed,
    )
    every = {str(one): one for one in (*own, *proposed)}
    return found, tuple(every.values())[: max(len(own), arguments.candidates)]


def _kept(
    arguments: argparse.Namespace,
    model: str,
    images: "ApartImages",
    noise: NoiseSpec,
    radius: float,
    wanted: tuple[str, ...],
) -> Sensitivity | None:
    """A record of the same question, so that a search that goes on does not measure again."""
    for one in kept(arguments.store):
        same = (one.model, one.data, one.indices, one.sigma, one.seed, one.radius, one.draws)
        if same == (
            *(model, images.digest, images.indices),
            *(noise.sigma, noise.seed, radius, arguments.draws),
        ) and set(wanted) <= set(one.treatments):
            return one
    return None


def _run(spec: StudySpec, library: Library, options: RunOptions) -> None:
    from irs_core.run.study import run_study

    with draw_bar() as draw:
        run_study(
            spec,
            library,
            options=options,
            on_progress=draw,
            leave=settled(library, options.settle, draws=options.most_draws, note=_note),
        )


def _note(found: list[Standing]) -> None:
    states = [one.state for one in found]
    counts = {one: states.count(one) for one in dict.fromkeys(states)}
    print(", ".join(f"{number} {state}" for state, number in counts.items()), file=sys.stderr)


def show(arguments: argparse.Namespace) -> None:
    """Where a search stands; with `measure`, also size and time of candidates that may ship."""
    library = Library(arguments.store)
    study = library.open(arguments.id)
    made = read_search(library.root, study.record.id)
    found = outcome(made, study, library)
    missing = found.unmeasured
    if missing and arguments.measure and study.record.finished:
        from irs_core.cost import keep_costs

        keep_costs(library, study.record.id, names=missing)
        found = outcome(made, library.open(study.record.id), library)
    if arguments.json:
        print_json("tune", plain_outcome(found))
    else:
        _print(found)


def plain_outcome(found: Outcome) -> dict[str, Any]:
    """What `--json` prints of a search."""
    return {
        "study": found.search.study,
        "requirement": found.search.asked.to_json(),
        "objective": found.search.objective,
        "inputs": found.inputs,
        "winner": found.winner,
        "draws": found.draws,
        "two_from_scratch": found.alone,
        "sentence": found.sentence,
        "candidates": [_plain(one) for one in found.candidates],
    }


def _plain(one: Any) -> dict[str, Any]:
    standing, cost = one.standing, one.cost
    loss = None if standing.decision is None else standing.decision.loss
    return {
        "name": standing.name,
        "title": standing.title,
        "state": standing.state,
        "may_lose": None if loss is None else loss.may,
        "loss_at_most": None if loss is None else loss.upper,
        "kept": standing.kept,
        "kept_at_least": standing.kept_at_least,
        "draws": standing.draws,
        "front": one.front,
        "p50_ms": None if cost is None else cost.speed.p50_ms,
        "packed_bytes": None if cost is None else cost.size.packed_bytes,
        "emulated": None if cost is None else cost.size.emulated,
    }


def _print(found: Outcome) -> None:
    print(found.sentence)
    print(
        f"{found.draws:,} draws of all candidates; two from scratch take {found.alone:,}. "
        f"Kept: right and at {found.search.asked.radius:g} in the original, at "
        f"{found.search.asked.reach:g} in the candidate."
    )
    width = max(len(one.standing.title) for one in found.candidates)
    heads = ("state     ", "may lose", "loss up to", "kept (at least)", "draws", "p50 ms")
    print("  ".join((f"{'candidate':<{width}}", *heads, "    bytes")))
    for one in found.candidates:
        standing, cost = one.standing, one.cost
        loss = None if standing.decision is None else standing.decision.loss
        bound = "-" if loss is None else text(100 * loss.upper, 2, "up") + "%"
        share = f"{standing.kept} ({text(100 * standing.kept_at_least, 1, 'down')}%)"
        speed = "-" if cost is None else up(cost.speed.p50_ms, 3)
        size = "-" if cost is None else f"{cost.size.packed_bytes:,}" + "*" * cost.size.emulated
        mark = " winner" if standing.name == found.winner else " front" if one.front else ""
        print(
            f"{standing.title:<{width}}  {standing.state:<10}  "
            f"{'-' if loss is None else loss.may:>8}  {bound:>10}  {share:>15}  "
            f"{standing.draws / found.inputs:>5.0f}  {speed:>6}  {size:>9}{mark}"
        )
    if found.unmeasured:
        print(f"size and time not measured of {len(found.unmeasured)}; tune results --measure does")
    if any(one.cost is not None and one.cost.size.emulated for one in found.candidates):
        print("* packed; emulated in larger weights here, so that no time is gained by it")
