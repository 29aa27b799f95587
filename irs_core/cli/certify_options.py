"""The options of the command that runs a study."""

import argparse
from pathlib import Path

from irs_core.cli.goals import add_goal_options
from irs_core.cli.inputs import add_data_options, add_model_options
from irs_core.cli.options import add_json_option, path
from irs_core.cli.results import add_result_options
from irs_core.graphs import is_graph_file
from irs_core.spec.compression_kinds import known_compressions
from irs_core.spec.outside import is_url
from irs_core.spec.study import BACKENDS, BOUNDS, GENERATORS, NOISE_KINDS, ModelSpec
from irs_core.store import default_root


def add_certify_options(parser: argparse.ArgumentParser) -> None:
    """Add everything that `certify` takes."""
    add_model_options(parser)
    add_data_options(parser)
    parser.add_argument(
        "--compress",
        nargs="*",
        metavar="C",
        help=f"compressions: {', '.join(known_compressions())}, call:package.module:make, or the "
        "URL of a model behind a server; with --denoise, classifier:C or denoiser:C compresses one "
        "part and leaves the other as it is (default: fp16, int8-dynamic and prune:0.1; of an ONNX "
        "file int8 in place of int8-dynamic, of an OpenVINO IR int8 alone, of LiteRT and servers "
        "none)",
    )
    _add_noise(parser.add_argument_group("noise"))
    _add_draws(parser.add_argument_group("draws and confidence"))
    _add_running(parser.add_argument_group("how it runs"))
    parser.add_argument("--name", default="", help="a name for people")
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="run the models on at most 100 images, store no result, and say what is odd",
    )
    parser.add_argument(
        "--write",
        type=path,
        metavar="STUDY.yaml",
        help="write the study, and its goal, as a file that certify takes, and stop",
    )
    add_json_option(parser)
    parser.add_argument(
        "--allow-code",
        action="store_true",
        help="let a study file name code, programs (TorchScript) and servers",
    )
    add_goal_options(parser)
    add_result_options(parser, choose_method=False)


def usual_compressions(model: ModelSpec) -> list[str]:
    """Compressed models of a study for which nobody named any: what its kind of file takes.

    None where a name says that the original runs as it is: on a server, or as LiteRT.
    """
    if is_url(model.weights) or Path(model.weights).suffix.lower() == ".tflite":
        return []
    files = [one for one in (model.weights, model.denoiser) if one and is_graph_file(one)]
    if not files:
        return ["fp16", "int8-dynamic", "prune:0.1"]
    onnx = all(Path(one).suffix.lower() == ".onnx" for one in files)
    return ["fp16", "int8", "prune:0.1"] if onnx else ["int8"]


def _add_noise(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--sigma", type=float, default=0.5, help="noise standard deviation, pixel units, > 0"
    )
    group.add_argument(
        "--noise",
        choices=NOISE_KINDS,
        default="gaussian",
        help="floating-point noise, or whole steps of the pixel grid",
    )
    group.add_argument(
        "--generator",
        choices=GENERATORS,
        help="of integer noise (default: philox; sfc64 goes on with a study from before it)",
    )
    group.add_argument(
        "--seed",
        type=_seed,
        default=0,
        help="seed of all noise, >= 0, or fresh: the least that no study of this model and these "
        "inputs used",
    )
    group.add_argument(
        "--spend",
        action="store_true",
        help="with a fresh seed, at this study's part of one failure probability for all repeats",
    )


def _add_draws(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--n0", type=int, default=100, help="selection draws per input")
    group.add_argument(
        "--n", type=int, default=10_000, help="estimation draws per input of the original"
    )
    group.add_argument(
        "--np",
        nargs="+",
        default=["1%", "2%", "5%", "10%"],
        metavar="P",
        dest="n_p",
        help="draws per input of a compressed model: numbers, or percent of n",
    )
    group.add_argument(
        "--looks",
        action="store_true",
        help="let results be seen while cirs runs: every round gets its own part of alpha",
    )
    group.add_argument(
        "--alpha",
        type=float,
        default=0.001,
        help="failure probability of the bound on p_A, in (0, 1)",
    )
    group.add_argument(
        "--alpha-zeta",
        type=float,
        default=0.001,
        help="failure probability of the bound on zeta, in (0, 1)",
    )
    group.add_argument(
        "--gamma", type=float, default=0.99, help="threshold on p_lower, in (0.5, 1]"
    )
    group.add_argument(
        "--no-baseline",
        action="store_true",
        help="leave out certification from scratch, for comparison",
    )
    group.add_argument(
        "--bound",
        choices=BOUNDS,
        default="joint",
        help="cirs: the joint bound, or the product of two with alpha split between them",
    )


def _add_running(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    group.add_argument("--backend", choices=BACKENDS, default="auto", help="what runs the models")
    group.add_argument("--batch", type=int, help="draws per forward pass; never changes the noise")
    group.add_argument("--engine", help="local, local:N or tcp://host:port; default: IRS_ENGINE")
    group.add_argument(
        "--queue", action="store_true", help="run in the background, see the command jobs"
    )
    group.add_argument(
        "--store", type=path, default=default_root(), help="folder of the live store"
    )


def _seed(text: str) -> int | None:
    """A seed; None for a fresh one."""
    return None if text == "fresh" else int(text)
