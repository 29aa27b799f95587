"""`certify STUDY.yaml`: a study from a file instead of from options."""

import argparse

from irs_core.analysis.ledger import with_fixed_split
from irs_core.cli.named import read_models
from irs_core.errors import SpecError
from irs_core.spec.study import StudySpec
from irs_core.spec.study_file import read_study_file

# Options that say how to run and what to show; all others describe a study.
_FREE = {
    *("file", "help", "store", "queue", "dry_run", "json", "device", "backend", "batch", "engine"),
    *("tsv", "why", "speedups", "forecast", "budget", "reach_acr", "max_loss", "spend"),
}


def from_file(arguments: argparse.Namespace) -> StudySpec:
    """The study in the file that the command names.

    Raises:
        SpecError: The file breaks a rule, or options describe a study as well.
    """
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
    found = read_study_file(arguments.file, read_models)
    arguments.methods = list(found.spec.methods)
    return found.spec if "split_draws" in found.given else with_fixed_split(found.spec)
