"""Whether an app stays alive while people send it files that were made to hurt it.

    PYTHONPATH=.:tests .venv/bin/python benchmarks/hostile_files.py --seconds 20

Streamlit serves the app in a process of its own. Threads of that process hand each file of
`tests/hostile_corpus.py` to the functions that the pages call. Meanwhile another process asks for
the health check twenty times a second and looks at the memory of the server. Children that read
files are no part of that memory.
"""

import argparse
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

_ROOT = Path(__file__).resolve().parents[1]
_PERIOD = 0.05
_SILENT = 30.0


def main() -> None:
    """Print one line per figure, and each file that did not end as it should."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8593)
    parser.add_argument("--seconds", type=int, default=60, help="IRS_FILE_SECONDS")
    parser.add_argument("--every", type=int, default=1, help="take every N-th file")
    parser.add_argument("--minutes", type=float, default=600, help="send nothing after so many")
    parser.add_argument("--only", default="", help="take files whose names hold this")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        _serve(arguments.port, arguments.threads)
        return
    with tempfile.TemporaryDirectory(prefix="irs-hostile-") as name:
        _measure(Path(name), arguments)


def _serve(port: int, threads: int) -> None:
    """Streamlit in the main thread; files as standard input names them in others."""
    from hostile_gate import send
    from streamlit.web import bootstrap

    from irs_core.errors import IrsError
    from irs_core.foreign import asking as foreign

    def work() -> None:
        for line in iter(sys.stdin.readline, ""):
            asked = json.loads(line)
            started = time.monotonic()
            try:
                send(asked["how"], Path(asked["path"]), Path(asked["store"]))
                outcome, text = "read", ""
            except IrsError as error:
                outcome, text = "refused", str(error)
            except BaseException as error:
                outcome, text = type(error).__name__, str(error)
            spent = time.monotonic() - started
            answer = {
                "name": asked["name"],
                "outcome": outcome,
                "text": text,
                "seconds": spent,
                "ended": time.monotonic(),
            }
            print("ANSWER " + json.dumps(answer), flush=True)

    foreign.warm_up()
    for _ in range(threads):
        threading.Thread(target=work, daemon=True).start()
    options = {"server_port": port, "server_headless": True, "browser_gatherUsageStats": False}
    bootstrap.load_config_options(options)
    bootstrap.run(str(_ROOT / "app.py"), False, [], options)


def _measure(folder: Path, arguments: argparse.Namespace) -> None:
    from hostile import make_kinds
    from hostile_corpus import corpus

    (folder / "kinds").mkdir()
    files = corpus(make_kinds(folder / "kinds"))[:: arguments.every]
    files = [one for one in files if arguments.only in one.name]
    listed, store = folder / "files", folder / "store"
    server = subprocess.Popen(
        [
            *(sys.executable, __file__, "--serve"),
            *("--port", str(arguments.port), "--threads", str(arguments.threads)),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": f"{_ROOT}:{_ROOT / 'tests'}",
            "IRS_STORE": str(store),
            "IRS_MODEL_DIRS": str(listed),
            "IRS_DATA_DIRS": str(listed),
            "IRS_FILE_SECONDS": str(arguments.seconds),
        },
    )
    watch = _Watch(arguments.port, server.pid)
    try:
        answers = _Answers(server)
        watch.wait_until_up()
        # A sound file first: what the gate itself needs is no growth.
        _warm(folder, server, answers, store)
        watch.start()
        started = time.monotonic()
        until = started + 60 * arguments.minutes
        found = _sent(files, listed, store, server, answers, arguments.threads, until)
        spent = time.monotonic() - started
    finally:
        watch.stop()
        server.kill()
        server.wait()
    _report(found, watch, spent)
    if list(folder.rglob("irs-hostile-ran")):
        print("CODE OF A FILE RAN")


class _Answers:
    """What the server says, line by line."""

    def __init__(self, server: "subprocess.Popen[str]") -> None:
        self.found: queue.Queue[dict[str, object]] = queue.Queue()
        self._server = server
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._server.stdout is not None
        for line in self._server.stdout:
            if line.startswith("ANSWER "):
                answer = json.loads(line.removeprefix("ANSWER "))
                print(
                    f"{answer['name']}: {answer['outcome']} in {answer['seconds']:.2f} s: "
                    f"{answer['text'][:160]}",
                    file=sys.stderr,
                )
                self.found.put(answer)


def _ask(server: "subprocess.Popen[str]", how: str, name: str, path: Path, store: Path) -> None:
    assert server.stdin is not None
    asked = {"how": how, "name": name, "path": str(path), "store": str(store)}
    server.stdin.write(json.dumps(asked) + "\n")
    server.stdin.flush()


def _warm(folder: Path, server: "subprocess.Popen[str]", answers: _Answers, store: Path) -> None:
    path = folder / "kinds" / "study.irs.zip"
    _ask(server, "bundle", "a sound bundle", path, store)
    answer = answers.found.get()
    assert answer["outcome"] == "read", answer


def _sent(
    files: Sequence[object],
    listed: Path,
    store: Path,
    server: "subprocess.Popen[str]",
    answers: _Answers,
    threads: int,
    until: float,
) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    waiting = 0
    for number, one in enumerate(files):
        if time.monotonic() > until:
            break
        path = one.place(listed / str(number))  # type: ignore[attr-defined]
        _ask(server, one.send, one.name, path, store / str(number))  # type: ignore[attr-defined]
        waiting += 1
        while waiting > threads:
            found.append(answers.found.get())
            waiting -= 1
    while waiting:
        found.append(answers.found.get())
        waiting -= 1
    return found


class _Watch:
    """Asks for the health check and the memory of the server until it is stopped."""

    def __init__(self, port: int, pid: int) -> None:
        self._url = f"http://127.0.0.1:{port}/_stcore/health"
        self._pid = pid
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.seconds: list[float] = []
        self.memory: list[int] = []
        self.moments: list[float] = []

    def wait_until_up(self) -> None:
        """Return when the first health check is answered."""
        for _ in range(1200):
            try:
                self._once()
                return
            except OSError:
                time.sleep(0.1)
        raise SystemExit("the app did not start")

    def start(self) -> None:
        """Look from here on."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self.seconds.append(self._once())
            except OSError:
                self.seconds.append(_SILENT)
            pages = int(Path(f"/proc/{self._pid}/statm").read_text().split()[1])
            self.memory.append(pages * os.sysconf("SC_PAGE_SIZE"))
            self.moments.append(time.monotonic())
            time.sleep(_PERIOD)

    def _once(self) -> float:
        started = time.monotonic()
        with urllib.request.urlopen(self._url, timeout=_SILENT) as answer:
            answer.read()
        return time.monotonic() - started


def _at(moment: float, found: Sequence[dict[str, object]]) -> list[str]:
    """Files that were being read at a moment of the monotonic clock."""
    return [
        str(one["name"])
        for one in found
        if 0 <= float(str(one["ended"])) - moment <= float(str(one["seconds"]))
    ]


def _report(found: Sequence[dict[str, object]], watch: _Watch, spent: float) -> None:
    outcomes = Counter(str(one["outcome"]) for one in found)
    odd = [
        one
        for one in found
        if one["outcome"] not in ("read", "refused") or "\n" in str(one["text"])
    ]
    seconds = np.array(watch.seconds)
    memory = np.array(watch.memory) / 1e6
    reading = np.array([float(str(one["seconds"])) for one in found])
    print(f"files: {len(found)} in {spent:.0f} s; {dict(outcomes)}; not one sentence: {len(odd)}")
    print(
        f"health checks: {len(seconds)}; median {np.median(seconds) * 1e3:.1f} ms, p99 "
        f"{np.quantile(seconds, 0.99) * 1e3:.0f} ms, most {seconds.max() * 1e3:.0f} ms"
    )
    print(
        f"memory of the server: {memory[0]:.0f} MB before, at most {memory.max():.0f} MB, "
        f"growth {memory.max() - memory[0]:.0f} MB"
    )
    print(f"reading one file: median {np.median(reading):.2f} s, most {reading.max():.1f} s")
    print(f"while it was largest: {_at(watch.moments[int(memory.argmax())], found)}")
    for one in odd:
        print(f"ODD {one['name']}: {one['outcome']}: {str(one['text'])[:300]!r}")


if __name__ == "__main__":
    main()
