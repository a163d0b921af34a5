"""Where things are in a checkout."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
STATE = ROOT / ".cache"
FRONTEND = ROOT / "frontend"
CLIENT = FRONTEND / "dist"
DJANGO_STATIC = ROOT / "build" / "static"


def data_dir() -> Path:
    """The folder of the running stack's data: `DATA_DIR`, `.local` in the checkout unless set."""
    return (ROOT / os.environ.get("DATA_DIR", ".local")).resolve()


def port() -> int:
    """The port of the chat: `PORT`, 8000 unless set. The AWS endpoint has the next one."""
    from dev.failure import Failure

    text = os.environ.get("PORT", "8000")
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65_534:
        raise Failure(f"PORT is {text!r}: it must be a number from 1 to 65534 (the next port is used too).")
    return int(text)
