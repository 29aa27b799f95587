"""What help says of defaults, and the bar of a training that goes on."""

import pytest

from irs_core.cli.main import command_parser
from irs_core.cli.options import Parser, training_bar


def test_help_names_defaults_as_people_would_type_them():
    parser = Parser()
    parser.add_argument("--np", nargs="+", default=["1%", "10%"], help="draws")
    parser.add_argument("--seed", type=int, default=0, help="of noise")
    parser.add_argument("--root", help="folder")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument("--lr", default=None, help="rate (default: 0.1)")
    lines = " ".join(parser.format_help().split())
    assert "draws (default: 1% 10%)" in lines
    assert "of noise (default: 0)" in lines
    assert "folder --json as JSON --lr LR rate (default: 0.1)" in lines


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("ways", "(default: 10000)"),
        ("gate", "(default: 0.99)"),
        ("denoiser train", "(default: 0.001)"),
        ("certify", "(default: 1% 2% 5% 10%)"),
    ],
)
def test_every_command_names_its_defaults_and_nothing_else(command, said, capsys):
    with pytest.raises(SystemExit, match="0"):
        command_parser().parse_args([*command.split(), "--help"])
    lines = " ".join(capsys.readouterr().out.split())
    assert said in lines
    assert "default: None" not in lines
    assert "object at" not in lines


def test_the_bar_of_a_resumed_training_counts_only_its_own_time(monkeypatch):
    made = []

    class Bar:
        def __init__(self, **_options):
            self.total, self.initial, self.n, self.last_print_n = None, 0, 0, 0
            made.append(self)

        def __enter__(self):
            return self

        def __exit__(self, *_error):
            return None

        def reset(self, total):
            self.total, self.n = total, 0

        def update(self, count):
            self.n += count

    monkeypatch.setattr("irs_core.cli.options.tqdm", Bar)
    with training_bar() as (passed, _show):
        passed(50_128, 150_000)
        passed(50_256, 150_000)
    (bar,) = made
    assert (bar.initial, bar.n, bar.total) == (50_128, 50_256, 150_000)
