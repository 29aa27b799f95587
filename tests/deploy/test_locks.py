"""Lock files hold what the requirements name, by hash; licences are those that are stated."""

import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
NAMES = ["requirements", "requirements-cluster", "requirements-dev"]
LICENSES = (ROOT / "docs" / "licenses.md").read_text()


def _pins(text):
    """Versions by name of the lines `name==version`."""
    found = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", text, re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


def _text(name):
    return (ROOT / name).read_text()


def _entries(name):
    """Of a lock file: each requirement with its hashes."""
    joined = _text(f"{name}.lock").replace("\\\n", " ")
    return [line.split() for line in joined.splitlines() if line.strip()]


@pytest.mark.parametrize("name", NAMES)
def test_every_version_that_was_chosen_is_locked(name):
    chosen, locked = _pins(_text(f"{name}.txt")), _pins(_text(f"{name}.lock"))
    assert chosen
    assert {one: locked.get(one) for one in chosen} == chosen, "run scripts/lock"


def test_what_several_lock_files_name_has_one_version():
    first = _pins(_text("requirements.lock"))
    for name in NAMES[1:]:
        other = _pins(_text(f"{name}.lock"))
        both = first.keys() & other.keys()
        assert both
        assert {one: other[one] for one in both} == {one: first[one] for one in both}


@pytest.mark.parametrize("name", NAMES)
def test_every_entry_of_a_lock_file_has_hashes_and_no_address(name):
    for entry in _entries(name):
        hashes = [word for word in entry if word.startswith("--hash=sha256:")]
        assert hashes, entry[0]
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", one) for one in hashes)
    assert not re.search(r"https?:|file:|@|--(index|extra|find|trusted)", _text(f"{name}.lock"))


def test_what_is_installed_here_is_locked():
    locked = _pins(_text("requirements.lock"))
    installed = {name: _version(name) for name in _pins(_text("requirements.txt"))}
    assert {name: locked[name] for name in installed} == installed


def _version(name):
    return distribution(name).version


def _closure(names):
    """Every installed package that some packages bring along on this machine."""
    seen, waiting = {}, list(names)
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in seen:
            continue
        try:
            seen[name] = distribution(name)
        except PackageNotFoundError:
            continue
        for text in seen[name].requires or ():
            one = Requirement(text)
            if one.marker is None or one.marker.evaluate({"extra": ""}):
                waiting.append(one.name)
    return seen


def _license(found):
    """What the metadata of a package say, in one line."""
    said = found.metadata
    text = said.get("License-Expression") or (said.get("License") or "").partition("\n")[0]
    named = [one for one in said.get_all("Classifier") or () if one.startswith("License")]
    return " ".join([text, *named])


def test_nothing_that_comes_along_is_copyleft():
    for name, found in _closure(_pins(_text("requirements.txt"))).items():
        assert not re.search(r"\b[AL]?GPL|GNU ", _license(found)), name


def test_every_requirement_is_in_the_table_of_licences_with_what_its_metadata_say():
    rows = re.findall(r"^\| ([a-z0-9, -]+) \| (.+) \|$", LICENSES, re.MULTILINE)
    stated = {name: text for names, text in rows for name in names.split(", ")}
    assert set(_pins(_text("requirements.txt"))) <= set(stated)
    for name in _pins(_text("requirements.txt")):
        words = re.findall(r"[A-Z][A-Za-z]*-[0-9A-Z.]+(?:-Clause)?|MIT|BSD|Apache", stated[name])
        assert words, name
        for word in words:
            assert word in _license(distribution(name)), (name, word)


def test_every_licence_that_is_not_permissive_is_explained():
    closure = _closure(_pins(_text("requirements.txt")))
    odd = {name for name, found in closure.items() if "NVIDIA" in _license(found).upper()}
    weak = {name for name, found in closure.items() if "MPL" in _license(found)}
    assert not odd or "NVIDIA's own licence" in LICENSES
    assert all(name in LICENSES for name in weak)


def test_everything_that_ships_says_what_it_was_made_from():
    rows = re.findall(r"^\| `([^`]+)` \|", LICENSES, re.MULTILINE)
    shipped = [
        *(ROOT / "irs_core" / "models" / "shipped").glob("*.safetensors"),
        *(ROOT / "cached_results").glob("*.irs.zip"),
        *(ROOT / "cached_results" / "counts").iterdir(),
        *(ROOT / "irs_core" / "papers" / "data").glob("*.csv"),
    ]
    covered = {path for row in rows for path in ROOT.glob(row)}
    assert shipped
    assert [path.name for path in shipped if path not in covered] == []
