"""Shell completion, in a real bash; other shells where they are installed."""

import shutil
import subprocess

import pytest

from irs_core.cli.completion import SHELLS
from irs_core.cli.main import all_commands, command_parser, main

ASK = """
source {script}
complete -p irs
COMP_WORDS=({words})
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_shtab_irs
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture
def script(tmp_path, capsys):
    def make(shell: str):
        assert main(["completion", shell]) == 0
        path = tmp_path / f"irs.{shell}"
        path.write_text(capsys.readouterr().out)
        return path

    return make


def completed(script, folder, words: str) -> list[str]:
    """What bash offers for the last of the words that were typed."""
    done = subprocess.run(
        ["bash", "--norc", "-c", ASK.format(script=script, words=words)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        cwd=folder,
    )
    assert done.stderr == ""
    registered, *found = done.stdout.splitlines()
    assert registered.endswith(" irs")
    return sorted(found)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("./irs cer", ["certify"]),
        ("irs a", ["app", "audit"]),
        ("./irs jobs ca", ["cancel"]),
        ("./irs models c", ["check", "cost"]),
        ("./irs certify --dry", ["--dry-run"]),
        ("./irs certify --noise r", ["rounded"]),
        ("./irs completion ''", sorted(SHELLS)),
        ("./irs certify stu", ["study.yaml"]),
        ("./irs certify --model stu", ["study.yaml"]),
    ],
)
def test_bash_completes_commands_options_choices_and_files(script, tmp_path, words, expected):
    path = script("bash")
    (tmp_path / "study.yaml").touch()
    assert completed(path, tmp_path, words) == expected


@pytest.mark.parametrize("shell", SHELLS)
def test_every_command_is_in_the_script(shell, script):
    text = script(shell).read_text()
    for name in all_commands(command_parser()):
        assert name.split()[-1] in text, name


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_reads_its_script(shell, script):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    subprocess.run([shell, "-n", str(script(shell))], check=True, timeout=60)
