"""Ids of requests in the form of a UUID, at a fraction of `uuid4`'s price: they needn't be secret."""

from __future__ import annotations

import random


def new_request_id() -> str:
    """A request's id."""
    digits = f"{random.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
