"""Published tables of the field beside what this program measures."""

from irs_core.papers.accounting import ACCOUNTINGS, FAIR, Accounting
from irs_core.papers.agreement import is_near, meaning
from irs_core.papers.measured import Row, measure_table
from irs_core.papers.peers import PEER_COSTS, PeerCost, measured_peers, peers_table
from irs_core.papers.published import SOURCES, TABLES, PaperTable, Published, find_table
from irs_core.papers.reproduction import PARTS, Part, find_part, parts_of

__all__ = [
    "ACCOUNTINGS",
    "FAIR",
    "PARTS",
    "PEER_COSTS",
    "SOURCES",
    "TABLES",
    "Accounting",
    "PaperTable",
    "Part",
    "PeerCost",
    "Published",
    "Row",
    "find_part",
    "find_table",
    "is_near",
    "meaning",
    "measure_table",
    "measured_peers",
    "parts_of",
    "peers_table",
]
