"""Where the app's parts are in a checkout."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLIENT = ROOT / "frontend" / "dist"
DJANGO_STATIC = ROOT / "build" / "static"
REQUIREMENTS = ROOT / "requirements.txt"
DATABASE_CERTIFICATES = ROOT / "infra" / "certificates" / "rds.pem"
CACHE = ROOT / ".cache"
