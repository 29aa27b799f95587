"""The package installs, and works without the dashboard's framework."""

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from irs_core.api import plot
from irs_core.errors import IrsError

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PINS = dict(
    line.split("==")
    for line in (ROOT / "requirements.txt").read_text().splitlines()
    if "==" in line and not line.startswith("#")
)


def test_ranges_hold_what_the_pins_install():
    declared = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["app"]]
    ranges = {Requirement(one).name: Requirement(one).specifier for one in declared}
    assert set(ranges) == set(PINS)
    for name, version in PINS.items():
        assert Version(version) in ranges[name], name


def test_the_engine_does_not_ask_for_streamlit():
    names = {Requirement(one).name for one in PROJECT["dependencies"]}
    assert not names & {"streamlit", "plotly"}


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The package as pip unpacks it, away from the sources."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    shutil.copytree(
        ROOT / "irs_core", source / "irs_core", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    command = [sys.executable, "-m", "pip", "wheel", *options, "-w", str(built), str(source)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(built / "site")
    return built / "site"


def run(installed, code, home):
    environment = {**os.environ, "PYTHONPATH": str(installed), "HOME": str(home)}
    environment.pop("IRS_STORE", None)
    return subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        cwd=home,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_an_installed_engine_certifies_without_streamlit(installed, tmp_path):
    code = (
        "import sys; sys.modules['streamlit'] = sys.modules['plotly'] = None\n"
        "from irs_core.cli.main import main; import irs_core; print(irs_core.__file__)\n"
        "from irs_core.models import shipped_names; print(*shipped_names('model'))\n"
        "from irs_core.papers.published import TABLES, published_values\n"
        "assert all(map(published_values, TABLES))\n"
        "sys.exit(main('certify --max 2 --n 100 --n0 10 --np 20 --compress fp16'.split()))"
    )
    done = run(installed, code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert str(installed) in done.stdout
    assert "digits-0.50" in done.stdout
    assert "fp16 weights" in done.stdout
    # Results go to the user's folder, not among the packages.
    assert list(tmp_path.rglob("studies/*.json"))
    assert not list(installed.rglob("studies"))


def test_a_figure_without_plotly_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "plotly", None)
    with pytest.raises(IrsError, match="pip install plotly"):
        plot(None)


def test_the_package_says_that_it_is_typed(installed):
    assert (installed / "irs_core" / "py.typed").exists()
