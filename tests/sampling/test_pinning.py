import pytest

from irs_core.sampling import pinning
from irs_core.sampling.pinning import Devices, device_names, take_device


@pytest.fixture(autouse=True)
def held(monkeypatch):
    files = []
    monkeypatch.setattr(pinning, "_held", files)
    yield files
    for file in files:
        file.close()


@pytest.mark.parametrize(
    ("visible", "names"),
    [
        ("", ("0", "1", "2")),
        ("4, 5,7", ("4", "5", "7")),
        ("GPU-a,GPU-b,GPU-c,GPU-d", ("GPU-a", "GPU-b", "GPU-c")),
    ],
)
def test_devices_are_named_as_this_process_sees_them(monkeypatch, visible, names):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert device_names(3) == names


def test_each_process_gets_a_device_of_its_own(tmp_path):
    devices = Devices(("4", "5", "7"), tmp_path, 3)
    assert [take_device(devices) for _ in range(3)] == ["4", "5", "7"]


def test_more_processes_than_devices_share_evenly(tmp_path):
    devices = Devices(("0", "1"), tmp_path, 4)
    assert [take_device(devices) for _ in range(4)] == ["0", "1", "0", "1"]


def test_who_takes_the_place_of_a_process_that_died_gets_its_device(tmp_path, held):
    devices = Devices(("0", "1", "2"), tmp_path, 3)
    for _ in range(3):
        take_device(devices)
    held.pop(1).close()  # the lock goes with its process
    assert take_device(devices) == "1"


def test_a_process_too_many_still_gets_a_device(tmp_path):
    devices = Devices(("0", "1"), tmp_path, 1)
    assert take_device(devices) == "0"
    assert take_device(devices) in devices.names


def test_pinning_leaves_one_device_in_sight(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5")
    pinning.pin(Devices(device_names(2), tmp_path, 2))
    assert device_names(8) == ("4",)
