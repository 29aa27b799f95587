"""What ways to certify need on the same draws, as measured once with `bench --methods --json`."""

import json
import math
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd

PeerCost = Literal["draws", "seconds"]
PEER_COSTS: tuple[PeerCost, ...] = ("draws", "seconds")


@dataclass(frozen=True)
class PeersRun:
    """One run of the command, on one machine.

    Args:
        about: Machine, date and the rates of the loops, in a sentence.
        tables: Its tables by the title of the study.
    """

    about: str
    tables: dict[str, dict[str, Any]]


def measured_peers() -> PeersRun:
    """The run that comes along."""
    found = json.loads((files("irs_core.papers") / "data" / "peers.json").read_text("utf-8"))
    rates = found["rates"]
    said = [
        f"{one['row']} {one['rate']:,.0f} draws a second"
        if one["rate"] is not None
        else f"{one['row']} not measured ({one['error']})"
        for one in (rates[loop] for loop in ("engine", "published", "art"))
    ]
    about = f"{found['hardware']}, {found['date']}: {', '.join(said)}"
    return PeersRun(about, {one["title"]: one for one in found["peers"]})


def peers_table(run: PeersRun, title: str, cost: PeerCost) -> "pd.DataFrame":
    """One study's table: a row per way, a column per result; NaN where it is not reached.

    Args:
        cost: Mean draws per input, or seconds for all inputs.
    """
    import pandas as pd

    table = run.tables[title]
    return pd.DataFrame(
        [
            {
                "way": row["name"],
                "idea": row["idea"],
                **{
                    goal["words"]: math.nan if value is None else value
                    for goal, value in zip(table["goals"], row[cost], strict=True)
                },
            }
            for row in table["rows"]
        ]
    )
