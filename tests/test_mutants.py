"""The list of mutants is alive: each still names a text that stands once in its file."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
LISTED = tomllib.loads((ROOT / "tests" / "mutants.toml").read_text())["mutant"]


def test_every_mutant_can_be_planted() -> None:
    for mutant in LISTED:
        text = (ROOT / mutant["file"]).read_text()
        assert text.count(mutant["before"]) == 1, f"{mutant['file']}: {mutant['why']}"
        assert mutant["after"] != mutant["before"]
        for test in mutant["tests"].split():
            assert (ROOT / test).exists(), test
    assert len(LISTED) >= 40
