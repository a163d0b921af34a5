"""The migrate function: several at once are safe, and each says what it did."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import json
from lambda_handlers import migrate
from tests.lambda_handlers.events import Context
print(json.dumps(migrate.handler({}, Context())))
"""
