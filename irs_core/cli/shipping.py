"""`tune export`: the winner of a search as a file, and that file certified from scratch."""

import argparse
import json
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.decisions import study_decision
from irs_core.analysis.kept_tally import open_tally
from irs_core.cli.gate import EXIT_CODES
from irs_core.cli.options import add_json_option, add_store_option, draw_bar, path
from irs_core.cli.printing import print_json
from irs_core.decide import Decision, Requirement
from irs_core.errors import SpecError, StoreError
from irs_core.goals.deciding import Limits, deciding_spec, run_deciding
from irs_core.graphs import file_compression
from irs_core.run.options import RunOptions
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.compressions import Compression
from irs_core.spec.paths import settled as settled_path
from irs_core.spec.settings import Settings
from irs_core.spec.study import StudySpec
from irs_core.store import Library, Study, StudyRecord
from irs_core.store.files import write_bytes
from irs_core.tune.fresh import fresh_spec, reused
from irs_core.tune.search import Search, outcome, read_search, winner_of


def add_export(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `export` to the actions of `tune`."""
    parser = actions.add_parser(
        "export",
        help="write the winner as ONNX and as lists for other tools; certify that file",
        description="Writes the winning network as ONNX (QDQ) and beside it, as FILE.json, which "
        "layers NNCF, ONNX Runtime and Model-Optimizer leave out. With --gate the file itself is "
        "certified from scratch, on fresh noise and, where inputs are taken at a stride, on other "
        "ones. Exit codes are those of gate.",
    )
    parser.add_argument("id", help="study of the search")
    parser.add_argument("out", type=path, help="the ONNX file")
    parser.add_argument("--candidate", metavar="C", help="another candidate than the winner")
    parser.add_argument(
        "--gate", action="store_true", help="certify the file before it is called done"
    )
    parser.add_argument("--n", type=int, default=1000, help="draws of the original in the gate")
    parser.add_argument("--budget", type=float, metavar="N", help="about N draws per input at most")
    parser.add_argument("--root", help="where the data are, if not where the study says")
    add_store_option(parser, again=True)
    add_json_option(parser, again=True)
    parser.set_defaults(run=_export)


def _export(arguments: argparse.Namespace) -> int:
    library = Library(arguments.store)
    study = library.open(arguments.id)
    asked = read_search(library.root, study.record.id)
    name = arguments.candidate or winner_of(outcome(asked, study, library))
    spec = study.record.spec
    if arguments.root is not None:
        spec = replace(spec, data=replace(spec.data, root=settled_path(arguments.root)))
    compression = _candidate(study.record, name)
    lists, held_out = _write(spec, compression, study.record.base.digest, arguments.out)
    decision = None
    if arguments.gate:
        decision = _gate(spec, asked, held_out, arguments, library)
    _say(arguments, name, lists, decision)
    return 0 if decision is None else EXIT_CODES[decision.verdict]


def _candidate(record: StudyRecord, name: str) -> Compression:
    names = [one.name for one in record.compressed]
    compression = parse_compression(name)
    if str(compression) not in names:
        raise SpecError(f"{name} is no candidate of this search; it has {', '.join(names)}")
    return compression


def _write(
    spec: StudySpec, compression: Compression, digest: str, out: Path
) -> tuple[Path, list[int]]:
    """The file of lists beside the network's; and the positions of the held-out images."""
    # torch takes seconds to import; only an export needs it.
    from irs_core.data import load_dataset
    from irs_core.models import load_model
    from irs_core.run.calibration import calibration_images
    from irs_core.tune.export import as_mixed, precision_lists, to_onnx

    config = as_mixed(compression)
    model, dataset = load_model(spec.model), load_dataset(spec.data)
    if model.digest != digest:
        raise StoreError(
            f"{spec.model.weights} is another model than in this search: {model.digest[:16]}, not "
            f"{digest[:16]}; search again, or put the old weights back"
        )
    module = model.module
    calibration, _ = calibration_images(spec, dataset)
    content, nodes = to_onnx(
        module, config, input_shape=dataset.input_shape, calibration=calibration
    )
    write_bytes(out, content)
    beside = out.with_suffix(".json")
    described = precision_lists(module, config, nodes)
    write_bytes(beside, json.dumps(described, indent=1).encode())
    return beside, dataset.indices[~dataset.reported].tolist()


def _gate(
    spec: StudySpec,
    asked: Search,
    held_out: list[int],
    arguments: argparse.Namespace,
    library: Library,
) -> Decision:
    from irs_core.run.study import run_study

    compression = file_compression(f"file:{arguments.out.resolve()}")
    assert compression is not None
    requirement = asked.asked
    moved = fresh_spec(spec, n=arguments.n, held_out=held_out)
    fresh = deciding_spec(moved, compression, requirement)
    # Every cached draw may be used: what is asked is asked of one file only.
    fresh = replace(fresh, n_p=(arguments.n,))
    seen = "all" if moved.data.start == spec.data.start else reused(moved.data, held_out)
    if seen:
        print(
            f"note: {seen} of the gate's inputs helped to choose this file: the data have no "
            "others at this stride",
            file=sys.stderr,
        )
    with draw_bar() as show:
        made = run_deciding(
            fresh,
            str(compression),
            requirement,
            library,
            partial(run_study, options=RunOptions(), on_progress=show),
            limits=Limits(arguments.budget),
        )
    return _decided(made, library, requirement)


def _decided(made: Study, library: Library, requirement: Requirement) -> Decision:
    analysis = Analysis(open_tally(made, library.root), Settings.of(made.record.spec))
    name = made.record.compressed[0].name
    return study_decision(made.record, analysis, name, requirement)


def _say(arguments: argparse.Namespace, name: str, lists: Path, decision: Decision | None) -> None:
    if arguments.json:
        found: dict[str, Any] = {"candidate": name, "file": str(arguments.out), "lists": str(lists)}
        found["gate"] = None if decision is None else decision.to_json()
        print_json("tune export", found)
        return
    print(f"{name}\n{arguments.out}\n{lists}")
    if decision is None:
        print(
            "not certified yet: the search's certificates are of the network that it ran, not of "
            "this file; --gate certifies it",
            file=sys.stderr,
        )
    else:
        print(decision.sentence)
