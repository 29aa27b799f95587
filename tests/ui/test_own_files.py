"""What the app may run: files below listed folders and listed servers; never code."""

import pytest
from model_server import Served, serving

from irs_core.errors import CheckpointError, ServerError
from irs_core.models import load_model
from irs_core.spec.study import ModelSpec
from ui.shared import own_files

DIGEST = "0123456789abcdef"


@pytest.fixture(autouse=True)
def _store(tmp_path, monkeypatch):
    monkeypatch.setenv("IRS_STORE", str(tmp_path / "store"))
    monkeypatch.delenv("IRS_MODEL_DIRS", raising=False)
    monkeypatch.delenv("IRS_MODEL_SERVERS", raising=False)


@pytest.mark.parametrize(
    "text", ["os:getcwd", "call:os:getcwd", f"call:os:getcwd#{DIGEST}", f"object:net#{DIGEST}"]
)
def test_code_is_refused(text):
    for named in (own_files.allowed, own_files.described):
        with pytest.raises(CheckpointError):
            named(text)
    with pytest.raises(CheckpointError):
        own_files.described(f"file:{text}")


def test_code_is_a_path_where_the_working_directory_is_listed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IRS_MODEL_DIRS", str(tmp_path))
    text = own_files.allowed("os:getcwd")
    assert text == str(tmp_path / "os:getcwd")
    with pytest.raises(CheckpointError, match="No such file"):
        load_model(ModelSpec(text))


def test_a_server_is_asked_only_if_it_is_listed(monkeypatch):
    with serving(Served(lambda images: images.reshape(len(images), -1)[:, :10])) as model:
        with pytest.raises(ServerError, match="IRS_MODEL_SERVERS"):
            own_files.described(f"file:{model.url}")
        with pytest.raises(ServerError, match="IRS_MODEL_SERVERS"):
            own_files.allowed(model.url)
        monkeypatch.setenv("IRS_MODEL_SERVERS", model.url.partition("/v2")[0])
        text = own_files.allowed(model.url)
        assert text.startswith(f"{model.url}#")
        assert own_files.allowed(text) == text
        assert own_files.described(f"file:{model.url}") == text
        assert load_model(ModelSpec(text)).num_classes == 10


def test_kinds_of_compressions_go_through():
    assert own_files.described("prune:0.1") == "prune:0.1"
