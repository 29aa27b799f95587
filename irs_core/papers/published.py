"""Numbers from papers, copied as data, with their sources."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Literal

from irs_core.errors import SpecError

Quantity = Literal["zeta", "speedup", "gamma-acr", "clean", "smoothed", "above-gamma", "certified"]

SOURCES: Mapping[str, str] = {
    "IRS": "Ugare, Suresh, Banerjee, Singh, Misailovic: Incremental Randomized Smoothing "
    "Certification. ICLR 2024",
    "ISS": "Chen, Kong, Yu, Li, Liu, Zhang, Tan, Tao: Input-Specific Robustness Certification for "
    "Randomized Smoothing. AAAI 2022",
    "IntRS": "Lin, Lou, Xiong, Shahabi: Integer-arithmetic-only Certified Robustness for "
    "Quantized Neural Networks. ICCV 2021",
}
_QUANTISED = ("fp16", "bf16", "int8")
_PRUNED = ("prune5", "prune10", "prune20")


@dataclass(frozen=True)
class PaperTable:
    """A published table.

    Args:
        key: How the command line names it: its number in the IRS paper, `intrs-NUMBER` for one of
            the IntRS supplement.
        file: Where its values are, in this package's `data`.
        column: The column of values.
        quantity: What they are.
        unit: Of the values, for people.
        only: Values in columns of the file that belong to it; all where a column is not named.
    """

    key: str
    title: str
    file: str
    column: str
    quantity: Quantity
    unit: str
    paper: str = "IRS"
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)

    @property
    def number(self) -> str:
        """Its number in the paper."""
        return self.key.rpartition("-")[2]

    @property
    def place(self) -> str:
        """Where it stands."""
        return f"{self.paper}, table {self.number}"


@dataclass(frozen=True)
class Published:
    """One published number.

    Args:
        row: What it belongs to, e.g. dataset, architecture, sigma and approximation.
        digit: One unit of its last printed digit; the paper rounds some values and cuts others.
    """

    value: float
    digit: float
    row: Mapping[str, str] = field(hash=False)


def _intrs(number: str, title: str) -> PaperTable:
    return PaperTable(
        f"intrs-{number}",
        title,
        "intrs_tables_2_4_5_cifar10",
        "certified_accuracy",
        "certified",
        "share of images certified beyond r",
        paper="IntRS",
        only={"table": (number,)},
    )


TABLES: tuple[PaperTable, ...] = (
    PaperTable("1", "Mean ζ at sigma 1.0", "irs_table1_zeta", "mean_zeta_n1000", "zeta", "ζ"),
    PaperTable(
        "2",
        "IRS speedup on quantised networks",
        "irs_table2_3_speedup",
        "irs_speedup",
        "speedup",
        "speedup over certifying from scratch (×)",
        only={"approximation": _QUANTISED},
    ),
    PaperTable(
        "3",
        "IRS speedup on pruned networks",
        "irs_table2_3_speedup",
        "irs_speedup",
        "speedup",
        "speedup over certifying from scratch (×)",
        only={"approximation": _PRUNED},
    ),
    PaperTable(
        "4", "ACR for each γ", "irs_table4_gamma_acr", "acr", "gamma-acr", "ACR, pixel units"
    ),
    PaperTable(
        "5",
        "Accuracy of the base classifiers without noise",
        "irs_table5_base_accuracy",
        "top1_percent",
        "clean",
        "% of images",
    ),
    PaperTable(
        "6",
        "Accuracy of the smoothed classifiers",
        "irs_table6_smoothed_accuracy",
        "top1_percent",
        "smoothed",
        "% of images",
    ),
    PaperTable(
        "7",
        "IRS speedup for other n (ResNet-20 on CIFAR-10)",
        "irs_table7_n_sensitivity",
        "irs_speedup",
        "speedup",
        "speedup over certifying from scratch (×)",
    ),
    PaperTable("8", "Mean ζ", "irs_table8_zeta", "mean_zeta_n1000", "zeta", "ζ at 1,000 draws"),
    PaperTable(
        "9",
        "Share of images with p_A above γ",
        "irs_table9_share_above_gamma",
        "share_pa_above_gamma",
        "above-gamma",
        "share of images",
    ),
    _intrs("2", "Certified accuracy, trained and certified under the same noise"),
    _intrs("4", "Certified accuracy, trained at sigma 0.12"),
    _intrs("5", "Certified accuracy, trained at sigma 0.25"),
)


def find_table(key: str) -> PaperTable:
    """The table of that number.

    Raises:
        SpecError: There is none.
    """
    for table in TABLES:
        if table.key == key:
            return table
    known = ", ".join(table.key for table in TABLES)
    raise SpecError(f"a table must be one of {known}; got {key!r}")


def published_values(table: PaperTable) -> list[Published]:
    """All numbers of a table, in its order."""
    text = (files("irs_core.papers") / "data" / f"{table.file}.csv").read_text(encoding="utf-8")
    rows = [dict(row) for row in csv.DictReader(text.splitlines())]
    return [
        Published(float(row[table.column]), _digit(row[table.column]), _described(row, table))
        for row in rows
        if all(row[column] in values for column, values in table.only.items())
    ]


def _described(row: Mapping[str, str], table: PaperTable) -> dict[str, str]:
    left_out = (table.column, "table")
    described = {name: value for name, value in row.items() if name not in left_out}
    # Tables about one network do not repeat it in each row.
    return {"dataset": "cifar10", "architecture": "resnet20", **described}


def _digit(printed: str) -> float:
    return float(10.0 ** -len(printed.partition(".")[2]))
