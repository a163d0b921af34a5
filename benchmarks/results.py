"""What a benchmark found, and how it is kept: one JSON file for each benchmark."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "results"

# A number is shown to three digits, a text as it is (why there is no number), None as a dash.
Cell = float | int | str | None


@dataclass(frozen=True, kw_only=True)
class Bars:
    """A plot of one figure of several contestants. Those without a figure are named with their text."""

    title: str
    unit: str
    bars: Sequence[tuple[str, Cell]]
    logarithmic: bool = False
    kind: str = "bars"


@dataclass(frozen=True, kw_only=True)
class Lines:
    """A plot of figures over a size: points (x, y) of each series."""

    title: str
    x: str
    y: str
    series: Mapping[str, Sequence[tuple[float, float]]]
    logarithmic: bool = False
    kind: str = "lines"


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a benchmark found. The first column of `rows` names it; `columns` carry the units."""

    title: str
    measures: str
    baseline: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    plots: Sequence[Bars | Lines] = ()
    notes: Sequence[str] = ()
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A result with when and where it was measured. `load` is the machine's load average before it began."""

    name: str
    date: str
    machine: str
    load: float
    result: Result


def machine() -> str:
    """This machine in a line: processor, cores, memory, system, Python."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return (
        f"{os.cpu_count()} × {_processor()}, {memory / 2**30:.0f} GB, {platform.system()} "
        f"{platform.release().partition('-')[0]}, Python {platform.python_version()}"
    )


def keep(name: str, result: Result, *, load: float, folder: Path = FOLDER) -> Path:
    """Write a result down as today's, on this machine. Returns the file."""
    kept = Kept(
        name=name,
        date=datetime.now(UTC).date().isoformat(),
        machine=machine(),
        load=round(load, 2),
        result=result,
    )
    for row in result.rows:
        if len(row) != len(result.columns):
            raise ValueError(f"{name}: {len(result.columns)} columns, but a row is {list(row)!r}")
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(asdict(kept), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def kept(folder: Path = FOLDER) -> list[Kept]:
    """All results, in the order of their names."""
    return [_parse(json.loads(path.read_text(encoding="utf-8"))) for path in sorted(folder.glob("*.json"))]


def _parse(found: dict[str, Any]) -> Kept:
    result = found["result"]
    plots = [(Bars if plot["kind"] == "bars" else Lines)(**plot) for plot in result["plots"]]
    return Kept(**{**found, "result": Result(**{**result, "plots": plots})})


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
