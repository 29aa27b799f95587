"""One CUDA device for each worker process of this machine. Free of torch."""

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO

VARIABLE = "CUDA_VISIBLE_DEVICES"
_held: list[IO[str]] = []


@dataclass(frozen=True)
class Devices:
    """What processes share out among themselves.

    Args:
        names: Devices, as CUDA_VISIBLE_DEVICES lists them.
        folder: Of their own: a process holds a lock there for as long as it lives.
        processes: How many there are at a time.
    """

    names: tuple[str, ...]
    folder: Path
    processes: int


def device_names(count: int) -> tuple[str, ...]:
    """Names of the `count` devices that this process sees."""
    visible = [name.strip() for name in os.environ.get(VARIABLE, "").split(",") if name.strip()]
    return tuple(visible[:count]) if visible else tuple(str(number) for number in range(count))


def take_device(devices: Devices) -> str:
    """A device that no other process holds, or the one held least; this process keeps it.

    A process that takes the place of one that died gets its device.
    """
    for place in range(devices.processes):
        file = (devices.folder / str(place)).open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
        else:
            _held.append(file)
            return devices.names[place % len(devices.names)]
    # The process before this one is not quite gone.
    return devices.names[os.getpid() % len(devices.names)]


def pin(devices: Devices) -> None:
    """Let this process see its device only; before it first uses CUDA."""
    os.environ[VARIABLE] = take_device(devices)
