"""A large store and several sessions at once: `.venv/bin/python benchmarks/scale.py`.

Processor time of listing, of opening and of every slider, for 300 small studies beside 80 bundles
and for studies of 100,000 inputs, of 1,000 classes and of a million draws. Then a server: what one
session waits for, and what each of ten waits for that turn the same slider at the same moment.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import psutil

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PROJECT / name) for name in ("", "benchmarks", "scripts", "tests")]

from scale_store import Unusual, make_store, unusual  # noqa: E402
from screenshots import running_app  # noqa: E402
from sessions import Session, at_once, sessions  # noqa: E402
from streamlit.testing.v1 import AppTest  # noqa: E402

from irs_core.hardware import describe_hardware  # noqa: E402
from irs_core.store import Library, StudyRecord  # noqa: E402

PAGES = (
    "decide",
    "overview",
    "acr_time",
    "certified_accuracy",
    "zeta_table",
    "pa_histogram",
    "gamma_sweep",
    "inputs",
)
GAMMAS = (0.9, 0.95, 0.97, 0.98, 0.985)
LEVELS = (0.0001, 0.0002, 0.0005, 0.002, 0.005)
SLIDERS = {"gamma": GAMMAS, "alpha": LEVELS, "alpha_zeta": LEVELS}
SHARED_PAGES = ("decide", "overview", "acr_time", "certified_accuracy", "pa_histogram", "inputs")
# One value each for one session; then each for all at once; all of them seen again.
ALONE, TOGETHER = ("0.9", "0.95", "0.97"), ("0.98", "0.985", "0.995")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=300)
    parser.add_argument("--bundles", type=int, default=80)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--sessions", type=int, default=10)
    parser.add_argument(
        "--servers", type=int, default=1, help="processes that the sessions are spread over"
    )
    parser.add_argument("--only-sessions", action="store_true", help="nothing but the last table")
    parser.add_argument("--store", type=Path, help="keep the store here, and use one that is here")
    arguments = parser.parse_args(argv)
    print(f"{describe_hardware()}; load average {os.getloadavg()[0]:.1f} before the measurement\n")
    with tempfile.TemporaryDirectory() as folder:
        store = arguments.store or Path(folder) / "store"
        os.environ["IRS_STORE"] = str(store)
        if not (store / "studies").exists():
            make_store(store, arguments.studies, arguments.bundles, arguments.inputs)
        if not arguments.only_sessions:
            _listing()
        found = unusual(store)
        if not arguments.only_sessions:
            _sliders(found)
        _together(found.small, arguments.sessions, arguments.servers)
    print(f"\nload average {os.getloadavg()[0]:.1f} after it")
    return 0


def _spent(act: Callable[[], object]) -> float:
    """Milliseconds of processor time of this process, which others cannot change much."""
    clock = time.process_time()
    act()
    return 1000 * (time.process_time() - clock)


def _listing() -> None:
    """First of all: what was read before is kept."""
    library = Library()
    print("| listing | processor time |\n|---|---|")
    print(f"| all {len(library.files())} files, first time | {_spent(library.survey):,.0f} ms |")
    # Files of the last second are read again: their time may not show another change.
    time.sleep(1.1)
    studies = library.survey().studies
    print(f"| again | {_spent(library.survey):,.0f} ms |")
    library.save(next(one.record for one in studies if one.origin == "live"))
    print(f"| after one of them changed | {_spent(library.survey):,.0f} ms |\n")


def _sliders(found: Unusual) -> None:
    names = ("first run", *(f"{key}, new value" for key in SLIDERS), "seen value")
    print(f"| study, page | {' | '.join(names)} |\n|---|{'---|' * len(names)}")
    for what, record in (
        ("small", found.small),
        ("100,000 inputs", found.inputs),
        ("1,000 classes", found.classes),
        ("n = 10^6", found.draws),
    ):
        for page in PAGES:
            cells = " | ".join(f"{one:,.0f} ms" for one in _page(record, page))
            print(f"| {what}, {page} | {cells} |", flush=True)


def _page(record: StudyRecord, page: str) -> Iterator[float]:
    """Medians for one page of one study: first run, each slider, values that were seen."""
    at = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=600)
    at.query_params["study"] = record.id
    if page == PAGES[0]:
        yield _spent(at.run)
    else:
        at.run()
        at.switch_page(f"pages/{page}.py")
        yield _spent(at.run)
    for key, values in SLIDERS.items():
        yield float(np.median([_turned(at, key, one) for one in values]))
        _turned(at, key, getattr(record.spec, key))
    yield float(np.median([_turned(at, "gamma", one) for one in GAMMAS]))
    assert not at.exception


def _turned(at: AppTest, key: str, value: float) -> float:
    at.select_slider(key=key).set_value(value)
    return _spent(at.run)


def _together(record: StudyRecord, count: int, servers: int) -> None:
    print(
        f"\n| page | one, new | {count}, new | ratio | one, seen | {count}, seen | ratio ", end=""
    )
    print("| server per rerun |\n|---|---|---|---|---|---|---|---|")
    with ExitStack() as apps:
        addresses = [apps.enter_context(running_app()) for _ in range(servers)]
        running = psutil.Process().children()
        for page in SHARED_PAGES:
            place, query = "" if page == PAGES[0] else page, f"study={record.id}"
            with ExitStack() as tabs:
                shares = [
                    tabs.enter_context(sessions(one, place, query, count // servers))
                    for one in addresses
                ]
                opened = [one for share in shares for one in share]
                print(f"| {page} | {' | '.join(_waits(opened, running))} |", flush=True)


def _waits(opened: Sequence[Session], servers: Sequence[psutil.Process]) -> Iterator[str]:
    """Medians of what is waited for, by one session and by each of several."""

    def everybody(value: str) -> list[float]:
        return at_once([lambda one=one: one.run("gamma", value) for one in opened])

    def alone(value: str) -> float:
        return opened[0].run("gamma", value)

    new = np.median([alone(one) for one in ALONE])
    shared = np.median([everybody(one) for one in TOGETHER])
    yield from (f"{new:,.0f} ms", f"{shared:,.0f} ms", f"{shared / new:.1f}")
    seen = np.median([alone(one) for one in (*ALONE, *TOGETHER)])
    before = _processor_seconds(servers)
    again = [everybody(one) for one in (*ALONE, *TOGETHER)]
    spent = 1000 * (_processor_seconds(servers) - before) / np.size(again)
    median = np.median(again)
    yield from (f"{seen:,.0f} ms", f"{median:,.0f} ms", f"{median / seen:.1f}", f"{spent:,.0f} ms")


def _processor_seconds(servers: Sequence[psutil.Process]) -> float:
    return sum(sum(one.cpu_times()[:2]) for one in servers)


if __name__ == "__main__":
    sys.exit(main())
