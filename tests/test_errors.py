"""What errors say of the system's own."""

import pytest

from irs_core.cli.main import main
from irs_core.errors import reason


def test_a_reason_has_neither_number_nor_path():
    assert reason(FileNotFoundError(2, "No such file or directory", "a.npz")) == (
        "No such file or directory"
    )
    assert reason(OSError("short of space")) == "short of space"
    assert reason(ValueError("line 3")) == "line 3"


@pytest.mark.parametrize(
    "command",
    [
        ["import", "FOLDER/none.zip"],
        ["certify", "FOLDER/none.yaml"],
        ["certify", "--data", "npz", "--root", "FOLDER/none.npz"],
        ["certify", "--data", "parquet", "--root", "FOLDER/none"],
        ["certify", "--data", "mnist", "--root", "FOLDER"],
        ["certify", "--data", "cifar10", "--root", "FOLDER"],
        ["certify", "--model", "FOLDER/none.safetensors"],
        ["certify", "--model", "FOLDER/none.onnx"],
        ["certify", "--denoise", "FOLDER/none.safetensors"],
        ["certify", "--classes", "FOLDER/none.txt"],
    ],
)
def test_what_is_missing_is_named_without_an_errno(command, tmp_path, capsys):
    assert main([one.replace("FOLDER", str(tmp_path)) for one in command]) == 2
    said = capsys.readouterr().err
    assert "Errno" not in said
    assert str(tmp_path) in said or "none" in said
