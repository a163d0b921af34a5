"""How figures are written in tables and plots."""

from __future__ import annotations

import math

from benchmarks.results import Cell


def number(value: float) -> str:
    """To three digits, no trailing zeros, thousands in groups: 0.391, 12.5, 4,870."""
    if value == 0 or not math.isfinite(value):
        return str(int(value)) if value == 0 else str(value)
    digits = 2 - math.floor(math.log10(abs(value)))
    rounded = round(value, digits)
    if digits <= 0:
        return f"{rounded:,.0f}"
    text = f"{rounded:,.{digits}f}"
    return text.rstrip("0").rstrip(".")


def cell(value: Cell) -> str:
    """A cell of a Markdown table."""
    if value is None:
        return "–"
    return value.replace("|", "\\|") if isinstance(value, str) else number(value)
