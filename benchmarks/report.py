"""Makes docs/performance.md and its plots from all kept results: `python -m benchmarks.report`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.figures import cell
from benchmarks.plots import draw
from benchmarks.results import Kept, kept

_ROOT = Path(__file__).resolve().parent.parent
_PAGE = _ROOT / "docs" / "performance.md"
_IMAGES = "images/benchmarks"
_HEAD = """\
# Performance

Measured by `make bench`, which makes this page. Each benchmark takes its baseline in the same run, on the
same machine and with the same clients: ratios travel to other machines, absolute figures don't.
`make bench ONLY=name` repeats one.
"""


def write(page: Path, results: Sequence[Kept]) -> None:
    """Write the page and its plots anew; plots that no result has any more are removed."""
    images = page.parent / _IMAGES
    images.mkdir(parents=True, exist_ok=True)
    drawn: set[Path] = set()
    sections = [_HEAD]
    for result in results:
        links = []
        for index, plot in enumerate(result.result.plots, start=1):
            path = images / f"{result.name}-{index}.svg"
            path.write_text(draw(plot), encoding="utf-8")
            drawn.add(path)
            links.append(f"![{plot.title}]({_IMAGES}/{path.name})")
        sections.append(_section(result, links))
    page.write_text("\n".join(sections), encoding="utf-8")
    for path in images.glob("*.svg"):
        if path not in drawn:
            path.unlink()


def _section(found: Kept, links: list[str]) -> str:
    result = found.result
    versions = ", ".join(f"{name} {version}" for name, version in result.versions.items())
    lines = [
        f"## {result.title}",
        "",
        f"{result.measures} Baseline: {result.baseline}",
        "",
        _row(result.columns),
        _row(["---"] + ["---:"] * (len(result.columns) - 1)),
        *(_row([cell(value) for value in row]) for row in result.rows),
        "",
        *(line for link in links for line in (link, "")),
        *(f"- {note}" for note in result.notes),
        *([""] if result.notes else []),
        f"`{found.name}`, {found.date}, on {found.machine}{f'; {versions}' if versions else ''}. "
        f"Load of the machine before the run: {found.load:.1f}.",
        "",
    ]
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Write the project's page."""
    write(_PAGE, kept())


if __name__ == "__main__":
    main()
