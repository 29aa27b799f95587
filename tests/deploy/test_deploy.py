"""What is shipped for operators: parsed, and checked by the rules that it is to keep."""

import configparser
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from irs_core.cli.main import command_parser

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
VERSIONS = ["3.11", "3.12", "3.13", "3.14"]
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
UNITS = sorted(DEPLOY.glob("*.service"))


def _instructions():
    """The instructions of the Containerfile, (word, rest), continued lines joined."""
    text = (DEPLOY / "Containerfile").read_text()
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    joined = re.sub(r"\s*\\\n\s*", " ", "\n".join(lines)).splitlines()
    return [tuple(line.split(maxsplit=1)) for line in joined]


def _last_stage():
    every = _instructions()
    start = max(at for at, (word, _) in enumerate(every) if word == "FROM")
    return every[start:]


def test_the_containerfile_has_known_instructions_only():
    known = "ARG FROM WORKDIR COPY RUN ENV USER VOLUME EXPOSE HEALTHCHECK ENTRYPOINT CMD"
    assert {word for word, _ in _instructions()} <= set(known.split())


def test_the_image_ends_as_a_user_without_rights():
    users = [rest for word, rest in _last_stage() if word == "USER"]
    assert users == ["10001:10001"]
    after = _last_stage()[[word for word, _ in _last_stage()].index("USER") :]
    assert {word for word, _ in after} <= {
        "USER",
        "VOLUME",
        "EXPOSE",
        "HEALTHCHECK",
        "ENTRYPOINT",
        "CMD",
    }


def test_the_image_installs_by_hash_only():
    installs = [rest for word, rest in _instructions() if "pip install" in rest]
    assert installs
    for rest in installs:
        for command in re.findall(r"pip install[^&]*", rest):
            assert "--require-hashes" in command
            assert (ROOT / re.search(r"-r (\S+)", command)[1]).suffix == ".lock"


def test_everything_copied_into_the_image_is_there_and_no_folder_is_copied_whole():
    for word, rest in _instructions():
        if word == "COPY" and "--from" not in rest:
            for source in rest.split()[:-1]:
                assert list(ROOT.glob(source)), source
                assert source not in (".", "cached_results")


def test_the_image_is_given_all_that_the_program_imports_and_reads():
    copied = {
        source
        for word, rest in _last_stage()
        if word == "COPY" and "--from" not in rest
        for source in rest.split()[:-1]
    }
    assert {"irs", "app.py", "irs_core", "ui", "pages", "requirements.lock"} <= copied
    assert ".streamlit/config.toml" in copied
    # The store lies beside the program where this file is.
    assert "pyproject.toml" in copied


def test_the_health_check_asks_the_path_that_the_server_answers():
    (check,) = [rest for word, rest in _instructions() if word == "HEALTHCHECK"]
    assert "127.0.0.1:8501/_stcore/health" in check
    assert ("EXPOSE", "8501") in _instructions()


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_confined(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not service.get("privileged")
    assert service["image"] == "irs-dashboard"
    mounts = [one for one in service.get("volumes", []) if not one.startswith("store:")]
    assert all(one.endswith(":ro") for one in mounts)


def test_the_services_are_those_that_the_documents_name():
    assert set(SERVICES) == {"app", "worker", "scheduler", "dask-worker"}
    assert {name for name in SERVICES if "profiles" in SERVICES[name]} == {
        "scheduler",
        "dask-worker",
    }
    assert set(COMPOSE["volumes"]) == {"store"}


def test_only_the_app_has_a_port_and_only_on_this_machine():
    assert [name for name in SERVICES if "ports" in SERVICES[name]] == ["app"]
    assert SERVICES["app"]["ports"] == ["127.0.0.1:8501:8501"]


def test_the_app_can_see_the_process_of_the_worker():
    assert SERVICES["worker"]["pid"] == "service:app"
    assert SERVICES["worker"]["hostname"] == SERVICES["app"]["hostname"]


def test_dask_is_reached_by_those_who_obey_it_only():
    assert COMPOSE["networks"]["cluster"]["internal"] is True
    assert {name for name in SERVICES if "cluster" in SERVICES[name].get("networks", [])} == {
        "worker",
        "scheduler",
        "dask-worker",
    }


def test_the_build_names_the_containerfile():
    build = SERVICES["app"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).samefile(DEPLOY / "Containerfile")


def _worker_words(unit_or_command):
    return command_parser().parse_args(unit_or_command)


def test_the_worker_never_stops_for_want_of_work():
    unit = _unit(DEPLOY / "irs-worker.service")["Service"]["ExecStart"].split()
    for words in (SERVICES["worker"]["command"], unit[1:]):
        arguments = _worker_words(words)
        assert arguments.single
        assert arguments.idle_exit == float("inf")


@pytest.mark.parametrize("name", ["scheduler", "dask-worker"])
def test_dask_knows_the_options(name):
    module = "scheduler" if name == "scheduler" else "worker"
    command = pytest.importorskip(f"distributed.cli.dask_{module}").main
    known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)}
    words = SERVICES[name]["command"]
    assert words[0] == module
    assert {word for word in words if word.startswith("--")} <= known


def _unit(path):
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read_string(path.read_text())
    return parser


@pytest.mark.parametrize("path", UNITS, ids=lambda one: one.name)
def test_units_run_as_their_own_user_on_a_system_that_they_cannot_write(path):
    service = _unit(path)["Service"]
    assert service["User"] == "irs"
    for key, value in {
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "ProtectHome": "yes",
        "PrivateTmp": "yes",
        "CapabilityBoundingSet": "",
        "RestrictNamespaces": "yes",
    }.items():
        assert service[key] == value, key
    assert f"/var/lib/{service['StateDirectory']}/store" in service["Environment"]


@pytest.mark.parametrize("path", UNITS, ids=lambda one: one.name)
@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze")
def test_systemd_understands_every_line_of_a_unit(path, tmp_path):
    # The program is not installed in /opt here, and systemd looks for it.
    text = path.read_text().replace("/opt/irs/irs", "/bin/true")
    for one in UNITS:
        (tmp_path / one.name).write_text(one.read_text().replace("/opt/irs/irs", "/bin/true"))
    (tmp_path / path.name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / path.name)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = [line for line in done.stderr.splitlines() if path.name in line]
    assert said == []


def test_the_workflow_runs_everything_on_every_supported_python():
    flow = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yaml").read_text())
    job = flow["jobs"]["test"]
    assert job["strategy"]["matrix"]["python-version"] == VERSIONS
    steps = job["steps"]
    assert [one["run"] for one in steps if "run" in one] == [".ci/run"]
    # A bare `on` is a truth value in YAML 1.1.
    assert set(flow[True]) == {"push", "pull_request"}
    assert flow["permissions"] == {"contents": "read"}
    assert all(re.search(r"@v\d+$", one["uses"]) for one in steps if "uses" in one)


def test_the_metadata_name_the_pythons_and_the_licence():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = [one.rpartition(" ")[2] for one in project["classifiers"] if "Python :: 3." in one]
    assert named == VERSIONS
    assert project["requires-python"] == ">=3.11,<3.15"
    assert project["license"] == "Apache-2.0"
    assert "Apache License" in (ROOT / "LICENSE").read_text()[:200]


@pytest.mark.parametrize(("version", "code"), [("3.10", 2), ("3.11", 0), ("3.14", 0), ("3.15", 2)])
def test_the_script_refuses_a_python_without_wheels_in_one_sentence(version, code, tmp_path):
    shutil.copy(ROOT / "irs", tmp_path / "irs")
    (tmp_path / "requirements.lock").write_text("")
    major, minor = version.split(".")
    # A Python of that version: it checks itself, makes environments and installs nothing.
    fake = tmp_path / "python"
    fake.write_text(
        f"""#!/bin/sh
case "$1" in
    -c) exec {sys.executable} -c "import sys; sys.version_info = ({major}, {minor}, 0)
$2" ;;
    -V) echo Python {version}.0 ;;
    -m) mkdir -p "$3/bin"; printf '#!/bin/sh\\n' > "$3/bin/python"; chmod +x "$3/bin/python" ;;
esac
"""
    )
    fake.chmod(0o755)
    done = subprocess.run(
        [str(tmp_path / "irs"), "studies"],
        env={"PATH": "/usr/bin:/bin", "PYTHON": str(fake)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stderr
    said = f"error: Python 3.11 to 3.14 is needed; {fake} is Python {version}.0; name another, as"
    assert done.stderr.startswith(said) == bool(code)
    assert (tmp_path / ".venv").exists() == (not code)


def test_what_a_build_leaves_behind_is_ignored():
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert {"build/", "dist/", "*.egg-info/"} <= set(ignored)
