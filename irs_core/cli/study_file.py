"""`certify STUDY.yaml`: a study from a file instead of from options."""

import argparse
from collections.abc import Sequence

from irs_core.analysis.ledger import with_fixed_split
from irs_core.cli.named import is_outside, read_models
from irs_core.errors import SpecError
from irs_core.graphs import is_model_file
from irs_core.spec.compressions import Compression
from irs_core.spec.outside import SHIPPED_PREFIX, is_address
from irs_core.spec.study import DataSpec, ModelSpec, StudySpec
from irs_core.spec.study_file import read_study_file

# Options that say how to run and what to show; all others describe a study.
_FREE = {
    *("file", "help", "store", "queue", "dry_run", "json", "device", "backend", "batch", "engine"),
    *("tsv", "why", "speedups", "forecast", "budget", "reach_acr", "max_loss", "spend"),
    *("allow_code", "write"),
}
_GOALS = ("budget", "reach_acr", "max_loss")


def from_file(arguments: argparse.Namespace) -> StudySpec:
    """The study in the file that the command names.

    Raises:
        SpecError: The file breaks a rule, or options describe a study as well.
    """
    named = str(arguments.file)
    if named.startswith(SHIPPED_PREFIX) or is_model_file(named):
        raise SpecError(f"{named} is no study file; name a model as --model {named}")
    parser: argparse.ArgumentParser = arguments.parser
    said = [
        one.option_strings[0]
        for one in parser._actions
        if one.dest not in _FREE and getattr(arguments, one.dest, one.default) != one.default
    ]
    if said:
        raise SpecError(
            f"{arguments.file.name} describes the study; leave out {said[0]}, or say it in the file"
        )
    found = read_study_file(
        arguments.file, read_models if arguments.allow_code else _read_plain_models
    )
    if found.goal is not None:
        option = next((one for one in _GOALS if getattr(arguments, one) is not None), None)
        if option is not None:
            raise SpecError(
                f"{arguments.file.name} names a goal; leave out --{option.replace('_', '-')}, or "
                "change it in the file"
            )
        arguments.goal = found.goal
    arguments.methods = list(found.spec.methods)
    if "split_draws" in found.given:
        return found.spec
    return with_fixed_split(found.spec, found.spec.bound if "bound" in found.given else "joint")


def _read_plain_models(
    spec: ModelSpec, texts: Sequence[str], data: DataSpec
) -> tuple[ModelSpec, tuple[Compression, ...]]:
    """Models of a file that somebody else may have written: none that runs code or asks a server.

    Raises:
        SpecError: One is.
    """
    for text in (spec.weights, *texts):
        if is_outside(text) or (text == spec.weights and is_address(text)):
            raise SpecError(
                f"the study file names {text}, which is code, a program or a server; if you trust "
                "the file, add --allow-code"
            )
    return read_models(spec, texts, data)
