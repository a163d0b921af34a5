"""How much JavaScript a browser has to fetch before somebody can chat."""

import gzip
from pathlib import Path

import pytest

from dev.paths import CLIENT

MOST_BYTES = 60_000


def test_the_client_stays_small() -> None:
    scripts = sorted(Path(CLIENT).rglob("*.js"))
    if not scripts:
        pytest.skip("the client isn't built: make build")
    compressed = sum(len(gzip.compress(script.read_bytes(), 9)) for script in scripts)
    assert compressed <= MOST_BYTES, f"{compressed} bytes of {[script.name for script in scripts]}"
