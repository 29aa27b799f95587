import argparse
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from irs_core.cli.train import add_arguments, from_args, run_cli
from irs_core.errors import SpecError
from irs_core.models import load_model, read_card
from irs_core.spec.study import ModelSpec
from irs_core.train import TrainSpec
from irs_core.train.finish import train_command
from irs_core.train.loop import train
from irs_core.train.schedule import learning_rate


@pytest.fixture
def spec(tmp_path):
    return TrainSpec("digits_resnet", str(tmp_path / "net.safetensors"), epochs=3, max_images=128)


class _KilledError(Exception):
    pass


def _stop_after(epoch):
    def stop(report):
        if report.epoch == epoch:
            raise _KilledError

    return stop


def test_resumed_equals_uninterrupted(spec, tmp_path):
    whole = load_file(train(replace(spec, out=str(tmp_path / "a.safetensors"))).weights)
    with pytest.raises(_KilledError):
        train(spec, on_epoch=_stop_after(2))
    resumed = load_file(train(spec).weights)
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_a_resumed_run_does_not_repeat_epochs(spec):
    with pytest.raises(_KilledError):
        train(spec, on_epoch=_stop_after(2))
    seconds = torch.load(spec.out.replace("safetensors", "partial.pt"), weights_only=True)
    result = train(spec)
    assert str(result.epochs[1].seconds) in seconds["reports"]


def test_state_of_other_settings_is_refused(spec):
    with pytest.raises(_KilledError):
        train(spec, on_epoch=_stop_after(1))
    with pytest.raises(SpecError, match="other settings"):
        train(replace(spec, sigma=0.1))


def test_saved_state_goes_when_the_run_is_done(spec, tmp_path):
    train(replace(spec, epochs=1))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.json", "net.safetensors"]


def test_the_seed_matters(spec, tmp_path):
    one = load_file(train(replace(spec, epochs=1)).weights)
    other = load_file(train(replace(spec, epochs=1, seed=1)).weights)
    assert not torch.equal(one["fc.weight"], other["fc.weight"])


def test_global_generator_is_left_alone(spec):
    before = torch.get_rng_state()
    train(replace(spec, epochs=1))
    assert torch.equal(before, torch.get_rng_state())


def test_training_learns(spec):
    result = train(replace(spec, epochs=8, batch=32, sigma=0.1, max_images=400))
    assert result.accuracy.clean > 0.8


def test_written_weights_load_and_match_the_card(spec):
    result = train(replace(spec, epochs=1))
    loaded, card = load_model(ModelSpec(str(result.weights))), read_card(result.card)
    assert loaded.digest == card["digest"]
    assert card["accuracy_noisy"] == pytest.approx(result.accuracy.noisy, abs=1e-4)


def test_command_of_the_card_repeats_the_run(spec):
    spec = replace(spec, lr=0.05, bf16=True, flip=False, weight_decay=1e-3)
    _check_command(spec)
    _check_command(replace(spec, bf16=False, qat_from="shipped:digits-0.50"))


def _check_command(spec):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    assert from_args(parser.parse_args(train_command(spec).split()[4:])) == spec


def test_command_line(spec, capsys):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    words = ["--arch", "digits_resnet", "--epochs", "1", "--max-images", "200", "--out", spec.out]
    assert run_cli(parser.parse_args(words)) == 0
    assert "under noise 0.5" in capsys.readouterr().out


def test_learning_rate_rises_to_its_peak_and_falls():
    rates = [learning_rate(step, 100, 0.1) for step in range(100)]
    assert rates[0] == pytest.approx(0.004)
    assert max(rates) == rates[20] == pytest.approx(0.1)
    assert rates[-1] < 0.001


@pytest.mark.parametrize(
    "field", [{"sigma": -1}, {"epochs": 0}, {"lr": 0}, {"seed": -1}, {"out": "x.pth"}]
)
def test_settings_are_checked(field):
    with pytest.raises(SpecError):
        TrainSpec(**{"arch": "digits_resnet", "out": "x.safetensors", **field})
