"""The list of commands, unknown ones, and exit codes."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from irs_core.cli import main as cli
from irs_core.cli.main import command_names, command_parser, main

ROOT = Path(__file__).parents[2]


def _script(tmp_path, *arguments):
    # Away from the environment, so that nothing is installed.
    shutil.copy(ROOT / "irs", tmp_path / "irs")
    done = subprocess.run(
        [str(tmp_path / "irs"), *arguments], capture_output=True, text=True, timeout=20, check=False
    )
    assert [one.name for one in tmp_path.iterdir()] == ["irs"]
    return done


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], []])
def test_the_script_lists_the_commands_before_anything_is_installed(tmp_path, arguments):
    done = _script(tmp_path, *arguments)
    assert done.returncode == 0
    listed = dict(re.findall(r"^  ([a-z]+)  +(.+)$", done.stdout, re.MULTILINE))
    helped = {
        one.dest: one.help
        for action in command_parser()._actions
        for one in getattr(action, "_choices_actions", [])
    }
    assert listed.keys() == {"app", "test", *helped}
    assert {name: listed[name] for name in helped} == helped


def test_the_script_names_the_nearest_command_and_installs_nothing(tmp_path):
    done = _script(tmp_path, "certfy")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: unknown command 'certfy'; did you mean certify?\n"


@pytest.mark.parametrize("options", [["--server.port", "1"], []])
def test_the_demo_is_one_option_and_others_follow(tmp_path, options):
    shutil.copy(ROOT / "irs", tmp_path / "irs")
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$IRS_DEMO $IRS_PEOPLE $PWD $@"\n')
    python.chmod(0o755)
    for name in ("requirements.lock", ".venv/.installed-requirements.lock"):
        (tmp_path / name).write_text("")
    (tmp_path / "here").mkdir()
    said = [
        subprocess.run(
            [str(tmp_path / "irs"), "app", *more, *options],
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path / "here",
            env={"PATH": os.environ["PATH"], "IRS_PEOPLE": "people.toml"},
        )
        for more in (["--demo"], [])
    ]
    people = f"{tmp_path}/here/people.toml {tmp_path} -m streamlit run app.py"
    assert said[0].stdout.startswith(f"1 {people}")
    assert "--server.maxUploadSize 1 " in said[0].stdout
    assert said[0].stdout.rstrip().endswith(" ".join(["500mb", *options]))
    assert said[0].stderr.startswith("demo: shipped studies")
    assert said[1].stdout.startswith(f" {people}")
    assert "maxUploadSize" not in said[1].stdout


def test_an_unknown_command_is_one_sentence(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["stdies"])
    assert capsys.readouterr().err == "error: unknown command 'stdies'; did you mean studies?\n"


def test_no_command_prints_the_help(capsys):
    assert main([]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in command_names(command_parser()))


def test_an_interrupted_command_can_go_on(monkeypatch, capsys, tmp_path):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_studies", stop)
    assert main(["studies", "--store", str(tmp_path)]) == 4
    assert "the same command goes on from there" in capsys.readouterr().err


def test_a_model_trained_without_noise_has_no_accuracy_under_noise(capsys):
    assert main(["models"]) in (None, 0)
    lines = {one.split()[0]: one for one in capsys.readouterr().out.splitlines() if "sigma" in one}
    assert "under noise" not in lines["cifar10-resnet20-clean"]
    assert lines["digits-0.50"].endswith(" under noise 0.5")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        # This one imports torchvision, and with it what lists its leftovers at a common end.
        (["models"], 0, ""),
        (["studies", "none"], 2, "error: no study 'none' in the store; ./irs studies lists them\n"),
    ],
)
def test_a_command_ends_with_its_code_and_says_no_more(tmp_path, words, code, said):
    done = subprocess.run(
        [sys.executable, "-m", "irs_core", *words],
        env={**os.environ, "IRS_STORE": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (code, said)


def test_what_others_registered_is_called_before_the_end():
    code = """
import atexit, irs_core.cli.main as cli
from irs_core.__main__ import run

class Held:
    def __del__(self):
        print("looked for cycles")

def main():
    held = Held()
    held.itself = held
    atexit.register(print, "registered later")
    print("done")
    return 3

cli.main = main
run()
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout.split("\n")) == (3, ["done", "registered later", ""])


def test_a_command_whose_output_is_closed_ends_quietly(tmp_path):
    done = subprocess.run(
        f"exec {sys.executable} -m irs_core studies >&-",
        shell=True,
        env={**os.environ, "IRS_STORE": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_interrupted_while_it_starts_a_command_says_that_it_can_be_typed_again():
    code = """
import sys

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == "irs_core.cli.main":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupting())
from irs_core.__main__ import run
run()
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (4, "", "")
