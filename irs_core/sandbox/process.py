"""Child processes that wait for one request each, and one of them kept ready."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from irs_core.errors import SandboxError, reason

_PASSED = (
    *("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES"),
    *("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "IRS_THREADS"),
)
_SERVERS = "IRS_MODEL_SERVERS"
_CODE = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from irs_core.sandbox.child import main; "
    "main(int(sys.argv[2]), json.loads(sys.argv[3]), sys.argv[4] == 'network')"
)


@dataclass(frozen=True, eq=False)
class Child:
    """A process that waits for its one request."""

    process: "subprocess.Popen[bytes]"
    answer: int
    folder: Path

    def end(self) -> None:
        """Kill its whole group, and remove what it wrote."""
        try:
            # It was not waited for, so its number, and that of its group, is no one else's.
            os.killpg(self.process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            self.process.kill()
        self.process.wait()
        if self.process.stdin is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()
        os.close(self.answer)
        shutil.rmtree(self.folder, ignore_errors=True)


def started(loads: Sequence[str], *, network: bool) -> Child:
    """A child that imports modules and then waits.

    Raises:
        SandboxError: The system refuses another process.
    """
    folder = Path(tempfile.mkdtemp(prefix="irs-file-"))
    ours, theirs = os.pipe()
    kept = {name: os.environ[name] for name in _PASSED if name in os.environ}
    if network and _SERVERS in os.environ:
        kept[_SERVERS] = os.environ[_SERVERS]
    command = [
        sys.executable,
        "-I",
        "-c",
        _CODE,
        json.dumps([one or str(Path.cwd()) for one in sys.path]),
        str(theirs),
        json.dumps(list(loads)),
        "network" if network else "",
    ]
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(theirs,),
            cwd=folder,
            env={**kept, "HOME": str(folder), "TMPDIR": str(folder)},
            start_new_session=True,
        )
    except OSError as error:
        os.close(ours)
        shutil.rmtree(folder, ignore_errors=True)
        raise SandboxError(f"no process to read the file in: {reason(error)}") from None
    finally:
        os.close(theirs)
    os.set_blocking(ours, False)
    return Child(process, ours, folder)


class Spare:
    """One child that has imported what takes long, kept until it is needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._loads: tuple[str, ...] = ()

    def keep(self, loads: Sequence[str]) -> None:
        """Have one from here on."""
        self._loads = tuple(loads)
        self.refill()

    def refill(self) -> None:
        """Start one where none waits."""
        with self._lock:
            self._drop_dead()
            if self._child is None and self._loads:
                self._child = started(self._loads, network=False)

    def take(self) -> Child | None:
        """The child, if it is alive."""
        with self._lock:
            self._drop_dead()
            child, self._child = self._child, None
            return child

    def _drop_dead(self) -> None:
        if self._child is not None and self._child.process.poll() is not None:
            self._child.end()
            self._child = None
