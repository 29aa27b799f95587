"""`shipped:NAME`, and what is said where somebody writes half of it."""

import pytest

from irs_core.errors import UnknownKeyError
from irs_core.models import load_model
from irs_core.models.shipping import network_path
from irs_core.spec.study import ModelSpec


@pytest.mark.parametrize(
    ("kind", "name"), [("model", "digits-clean"), ("denoiser", "cifar10-0.50")]
)
def test_a_name_without_its_prefix_is_told_to_have_one(kind, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert network_path(kind, f"shipped:{name}").is_file()
    with pytest.raises(UnknownKeyError, match=f"comes along is shipped:{name}"):
        network_path(kind, name)
    # A file of that name is what was meant.
    (tmp_path / name).touch()
    assert network_path(kind, name).resolve() == tmp_path / name


def test_models_and_denoisers_are_not_mixed_up():
    with pytest.raises(UnknownKeyError, match="unknown shipped denoiser 'digits-clean'; known: c"):
        network_path("denoiser", "shipped:digits-clean")
    with pytest.raises(UnknownKeyError, match="the model that comes along"):
        load_model(ModelSpec("digits-clean"))
