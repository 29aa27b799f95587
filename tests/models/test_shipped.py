import pytest
import torch

from irs_core.data import load_dataset
from irs_core.models import card_markdown, load_model, shipped_cards
from irs_core.spec.study import DataSpec, ModelSpec

DIGITS = ("digits-0.25", "digits-0.50", "digits-1.00")
NAMES = tuple(shipped_cards("model"))


def test_what_is_shipped():
    assert set(DIGITS) <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_digest_is_that_of_the_card(name):
    assert load_model(ModelSpec(f"shipped:{name}")).digest == shipped_cards("model")[name]["digest"]


@pytest.mark.parametrize("name", DIGITS)
def test_accuracy_under_noise_is_that_of_the_card(name):
    card, test = shipped_cards("model")[name], load_dataset(DataSpec())
    module = load_model(ModelSpec(f"shipped:{name}")).module
    generator = torch.Generator().manual_seed(99)
    images, labels = torch.from_numpy(test.images(slice(None))), torch.from_numpy(test.labels)
    right = 0
    for _ in range(10):
        noise = torch.empty_like(images).normal_(0, card["sigma"], generator=generator)
        with torch.inference_mode():
            right += int((module(images + noise).argmax(1) == labels).sum())
    assert right / (10 * len(labels)) == pytest.approx(card["accuracy_noisy"], abs=0.02)


def test_card_names_the_command_that_repeats_the_training():
    for name, card in shipped_cards("model").items():
        begins = ("python -m irs_core train --data ", "python -m irs_core finetune ")
        assert card["command"].startswith(begins)
        assert f"--sigma {card['sigma']}" in card["command"]
        assert card["command"].endswith(f"{name}.safetensors")


def test_card_as_markdown():
    text = card_markdown({"name": "m", "mean": None, "classes": ["a", "b|c"], "versions": {"x": 1}})
    assert text.splitlines()[0] == "## m"
    assert "| classes | a, b\\|c |" in text
    assert "| versions | x 1 |" in text
