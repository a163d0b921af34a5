"""Where what only benchmarks need is installed: `.cache/bench`, by `make bench`."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_FOLDER = ROOT / ".cache" / "bench"
PYTHON = _FOLDER / "venv" / "bin" / "python"
NODE_MODULES = _FOLDER / "node_modules"


def npm_package(name: str) -> Path:
    """The folder of an installed npm package."""
    return NODE_MODULES / name
