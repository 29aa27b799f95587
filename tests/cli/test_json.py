"""`--json` on every command: one object with the keys that docs/json.md lists."""

import json
import math
import re
from pathlib import Path

import pytest
from old_store import without_digests
from synthetic import synthetic_spec, synthetic_study

from irs_core.bench import ROWS as LOOPS
from irs_core.bench import BenchRow
from irs_core.cli.main import all_commands, command_parser, main
from irs_core.decide import Requirement
from irs_core.jobs import JobQueue
from irs_core.models import load_model
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.study import ModelSpec, NoiseSpec
from irs_core.store import Library
from irs_core.tune.search import prepare_search, save_search

DOCUMENT = (Path(__file__).parents[2] / "docs" / "json.md").read_text()
COMMANDS = all_commands(command_parser())
MODEL = "shipped:digits-0.50"
FAST = ["--max", "4", "--n", "200", "--n0", "20", "--np", "50", "--compress", "fp16"]
INTEGER = synthetic_spec(
    noise=NoiseSpec(0.5, seed=7, kind="rounded"), compressions=(parse_compression("integer"),)
)
# What follows a command; FOLDER, STORE, ID and so on are filled in.
SEARCH = "--radius 0.1 --tolerance 0.05 --max-loss 50% --candidates 1 --images 2 --draws 2"
OPTIONS = {
    "studies ID": "",
    "studies ID --why M": "--why fp16",
    "studies ID --speedups": "--speedups",
    "studies --tag": "--tag ID nightly",
    "studies --pin": "--pin ID",
    "studies --unpin": "--unpin ID",
    "studies --archive": "--archive ID",
    "studies --unarchive": "--unarchive ID",
    "studies --rename": "--rename ID other",
    "studies --delete": "--delete ID",
    "studies --restore": "--restore ID",
    "studies --empty-trash": "--empty-trash",
    "studies --trash": "--trash",
    "studies --uploads": "--uploads",
    "backup": "FOLDER/copy",
    "certify": " ".join(FAST),
    "certify --queue": f"--queue {' '.join(FAST)}",
    "certify --forecast": f"--forecast --why fp16 --holdout 4 --method cirs {' '.join(FAST)}",
    "certify --dry-run": f"--dry-run {' '.join(FAST)}",
    "models check": f"{MODEL} --max 4 --draws 2",
    "models cost": f"{MODEL} --max 4 --runs 2",
    "decide": "ID",
    "gate": "ID --model fp16",
    "decide ID OTHER": "OTHER",
    "gate ID OTHER": "OTHER --model prune:0.1",
    "verify --seal": "--seal OLD",
    "data": "--max 4",
    "data download": "cifar10 --root FOLDER",
    "jobs cancel": "JOB",
    "jobs retry": "ENDED",
    "jobs run": "JOB",
    "jobs log": "JOB",
    "worker": "--once",
    "report": "ID FOLDER/table.csv",
    "export": "ID FOLDER/study.irs.zip",
    "import": "FOLDER/results.tsv",
    "train": "--arch digits_resnet --epochs 1 --max-images 64 --out FOLDER/net.safetensors",
    "finetune": f"{MODEL} --sigma 0.5 --epochs 1 --max-images 64 --out FOLDER/tuned.safetensors",
    "denoiser train": "digits --sigma 0.5 --epochs 1 --max-images 64 --out FOLDER/d.safetensors",
    "train --queue": "--arch digits_resnet --out FOLDER/later.safetensors --queue",
    "finetune --queue": f"{MODEL} --sigma 0.5 --out FOLDER/later.safetensors --queue",
    "denoiser train --queue": "digits --sigma 0.5 --out FOLDER/later.safetensors --queue",
    "ways": f"{MODEL} --max 2 --draws 2 --images 64 --width 4 --levels 2",
    "integer": f"--model {MODEL} --max 1 --out FOLDER/int.safetensors",
    "intrs": "--float-study ID --integer-study INTEGER",
    "bench": "--arch digits_resnet --shape 1 8 8",
    "bench --methods": "--methods ID --of fp16",
    "reproduce": "--table 8",
    "completion": "bash",
    "tune": f"--study ID {SEARCH}",
    "tune --queue": f"--study ID {SEARCH} --queue",
    "tune results": "SEARCH",
    "tune sensitivity": f"{MODEL} --max 4 --holdout 4 --images 2 --draws 2 --treatments int4",
    "tune export": "SEARCH FOLDER/mix.onnx --candidate mixed:bf16",
}


def _documented() -> dict[str, tuple[str, set[str]]]:
    """By what is typed: what stands in the key `command`, and the keys beside it."""
    found = {}
    for line in DOCUMENT.splitlines():
        cells = [re.findall("`([^`]+)`", cell) for cell in line.strip("|").split(" | ")]
        if len(cells) == 3 and line.startswith("| `"):
            for typed in cells[0]:
                found[typed] = ((cells[1] or [typed])[0], set(cells[2]))
    return found


ROWS = _documented()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_json_and_a_row_in_the_document(command):
    assert "--json" in COMMANDS[command]._option_string_actions
    assert command in ROWS


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A store, with what stands for names in `OPTIONS`."""
    library = Library(tmp_path_factory.mktemp("json") / "store")
    integer = synthetic_study(library, INTEGER, execution="integer int8")
    names = {"ID": synthetic_study(library).id, "INTEGER": integer.id}
    fewer = synthetic_spec(compressions=synthetic_spec().compressions[:1])
    names["OTHER"] = synthetic_study(library, fewer).id
    asked = Requirement(radius=0.1, tolerance=0.05, max_loss=0.5)
    spec, search = prepare_search(
        synthetic_spec(),
        (parse_compression("mixed:bf16"),),
        asked,
        "draws",
        proposer="greedy",
        seed=1,
    )
    digest = load_model(spec.model).digest
    names["SEARCH"] = synthetic_study(library, spec, base_digest=digest).id
    save_search(library.root, search)
    queue = JobQueue(library.root)
    for name in ("JOB", "ENDED"):
        job = queue.add(synthetic_spec(model=ModelSpec(f"shipped:{name}")))
        names[name] = str(job.id)
    queue.cancel(int(names["ENDED"]))
    return library.root, names


@pytest.fixture
def _quick(monkeypatch, tmp_path):
    """Nothing is downloaded, started or measured here."""
    monkeypatch.setenv("IRS_SHIPPED", str(tmp_path / "none"))
    monkeypatch.setattr("irs_core.data.download.download", lambda *_, **__: None)
    monkeypatch.setattr("irs_core.cli.certify.ensure_worker", lambda _: True)
    monkeypatch.setattr("irs_core.cli.searching.ensure_worker", lambda _: True)
    monkeypatch.setattr("irs_core.cli.queueing.ensure_worker", lambda _: True)
    monkeypatch.setattr("irs_core.actions.jobs.ensure_worker", lambda _: True)
    monkeypatch.setattr("irs_core.jobs.supply.ensure_worker", lambda _: True)
    monkeypatch.setattr("irs_core.jobs.child.ensure_worker", lambda _: True)
    rows = [BenchRow(name, 2.0, math.nan, 3.0) for name in LOOPS]
    monkeypatch.setattr("irs_core.bench.run_bench", lambda *_: iter(rows))
    text = "idx\tlabel\tpredict\tradius\tcorrect\ttime\n0\t1\t1\t0.5\t1\t0:00:01\n"
    (tmp_path / "results.tsv").write_text(text)


@pytest.mark.usefixtures("_quick")
@pytest.mark.parametrize("typed", ROWS)
def test_what_a_command_prints_is_what_the_document_says(typed, stored, tmp_path, capsys):
    root, names = stored
    if typed == "worker" or typed.startswith("certify"):
        root = tmp_path / "store"
    if typed == "verify --seal":
        root = tmp_path / "store"
        names = {"OLD": synthetic_study(Library(root)).id}
        without_digests(root)
    command = re.split(r" ID| --", typed)[0]
    words = f"{'ID ' if ' ID' in typed else ''}{OPTIONS.get(typed, '')}".split()
    filled = [names.get(word, word.replace("FOLDER", str(tmp_path))) for word in words]
    place = ["--store", str(root)] if "--store" in COMMANDS[command]._option_string_actions else []
    code = main([*command.split(), *filled, *place, "--json"])
    out = capsys.readouterr().out
    found = json.loads(out, parse_constant=pytest.fail)
    assert code in {"gate": (0, 1, 3), "gate ID OTHER": (0, 1, 3), "jobs run": (2, 3)}.get(
        typed, (0,)
    )
    said, keys = ROWS[typed]
    assert (found.pop("schema"), found.pop("command")) == (1, said)
    assert set(found) == keys
