"""The command `intrs`: float and integer smoothing side by side."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from irs_core.cli.inputs import add_data_options, data_spec
from irs_core.cli.options import add_json_option, path
from irs_core.cli.printing import print_json
from irs_core.errors import SpecError
from irs_core.papers.intrs import RADII, CertifiedShare, compare_methods, published_shares
from irs_core.spec import outward
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.study import ModelSpec, NoiseKind, NoiseSpec, StudySpec
from irs_core.store import Library, default_root

if TYPE_CHECKING:
    pass


def add_intrs(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command `intrs`."""
    parser = commands.add_parser(
        "intrs",
        help="compare float and integer smoothing by certified accuracy",
        description="Runs, or takes from the store, a study under Gaussian noise (with int8) and "
        "one of an integer network under integer noise, of the same images.",
    )
    parser.add_argument("--float-study", metavar="ID", help="a stored study instead of a new one")
    parser.add_argument("--integer-study", metavar="ID", help="a stored study instead of a new one")
    parser.add_argument("--model", help="float weights: a file, or shipped:NAME")
    parser.add_argument("--integer", help="integer network, from the command integer or train")
    add_data_options(parser)
    parser.add_argument("--sigma", type=float, default=0.5, help="noise, pixel units")
    parser.add_argument(
        "--train-sigma", type=float, help="noise in training, for the published numbers"
    )
    parser.add_argument("--noise", choices=("rounded", "discrete"), default="rounded")
    parser.add_argument("--n0", type=int, default=100, help="selection draws per input")
    parser.add_argument("--n", type=int, default=1000, help="estimation draws per input")
    parser.add_argument("--alpha", type=float, default=0.001, help="failure probability, in (0, 1)")
    parser.add_argument("--radii", type=float, nargs="+", default=list(RADII))
    parser.add_argument(
        "--store", type=path, default=default_root(), help="folder of the live store"
    )
    add_json_option(parser)
    parser.set_defaults(run=_intrs)


def _intrs(arguments: argparse.Namespace) -> None:
    library = Library(arguments.store)
    floating = arguments.float_study or _run(arguments, arguments.model, "gaussian", library)
    integer = arguments.integer_study or _run(
        arguments, arguments.integer, arguments.noise, library
    )
    first, second = library.open(floating), library.open(integer)
    sigma = first.record.spec.noise.sigma
    trained = arguments.train_sigma if arguments.train_sigma is not None else sigma
    published = published_shares(sigma, train_sigma=trained)
    rows = compare_methods(
        first, second, alpha=arguments.alpha, radii=arguments.radii, published=published
    )
    if arguments.json:
        known = {"float_study": first.record.id, "integer_study": second.record.id}
        plain = [asdict(row) for row in rows]
        print_json("intrs", {**known, "sigma": sigma, "alpha": arguments.alpha, "rows": plain})
        return
    print(f"{rows[0].images} images, sigma {sigma:g}, n {rows[0].n}, alpha {arguments.alpha:g}")
    print("published: Lin et al. 2021, supplement, ResNet-20 on CIFAR-10")
    print(text_table(rows))


def _run(arguments: argparse.Namespace, weights: str | None, kind: NoiseKind, lib: Library) -> str:
    if weights is None:
        raise SpecError(
            "give --model and --integer, or the studies by --float-study and --integer-study"
        )
    # torch takes seconds to import; only a run needs it.
    from irs_core.run.study import run_study

    compressed = (parse_compression("int8"),) if kind == "gaussian" else ()
    spec = StudySpec(
        model=ModelSpec(weights),
        data=data_spec(arguments),
        noise=NoiseSpec.chosen(arguments.sigma, kind=kind),
        compressions=compressed,
        n0=arguments.n0,
        n=arguments.n,
        n_p=(arguments.n,),
        alpha=arguments.alpha,
        name=f"{'FloatRS' if compressed else 'IntRS'}, {Path(weights).stem}",
    )
    print(f"study {spec.id} under {kind} noise", file=sys.stderr)
    return run_study(spec, lib).id


def text_table(rows: list[CertifiedShare]) -> str:
    """One line per method and radius."""
    import pandas as pd

    return pd.DataFrame(
        [
            {
                "method": row.method,
                "radius": row.radius,
                "published": "-" if row.published is None else f"{row.published:.2f}",
                "measured": outward.text(row.measured.value, 3, "counted"),
                "95% interval": (
                    f"{outward.down(row.measured.low)} to {outward.up(row.measured.high)}"
                ),
                "draws/s": "-" if row.rate != row.rate else f"{row.rate:,.0f}",
            }
            for row in rows
        ]
    ).to_string(index=False)
