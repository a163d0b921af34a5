"""Connection, message and request ids in the form that API Gateway gives them."""

from __future__ import annotations

import random
import re
import time
from base64 import urlsafe_b64encode

_WELL_FORMED = re.compile(r"[A-Za-z0-9_-]{15}=")
# The end of an id is the same for a region.
_REGION = b"\x70\x22"
# Ids are no secrets, on AWS neither: nothing may hang on their being hard to guess.
_chance = random.Random()  # noqa: S311


def new_id() -> str:
    """11 bytes in URL-safe base64: 15 characters and a `=`. Ids of one moment share their beginning."""
    moment = int(time.time() * 4) & 0xFFFFFFFF
    return urlsafe_b64encode(moment.to_bytes(4) + _chance.randbytes(5) + _REGION).decode()


def is_well_formed(connection_id: str) -> bool:
    """Whether a connection could have this id."""
    return _WELL_FORMED.fullmatch(connection_id) is not None
