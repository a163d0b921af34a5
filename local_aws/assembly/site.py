"""What an assembly's resources get from the machine that they run on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local_aws.secrets_file import SecretsFile

REGION = "us-east-1"
ACCOUNT = "123456789012"
_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Ports and folders of one running stack.

    `port` is the edge's, `endpoint_port` the AWS endpoint's. `workspace` takes code that the assembly holds
    only packed or inline. `parameters` are values that the assembly needs from outside, `stacks` patterns of
    the names of those to run (all of them without any). Where it is `strict`, what can't run is an error.
    """

    port: int
    endpoint_port: int
    database_port: int
    secrets: SecretsFile
    workspace: Path
    parameters: Mapping[str, str] = field(default_factory=dict)
    stacks: tuple[str, ...] = ()
    strict: bool = False


def stable_id(*parts: str, length: int = 10) -> str:
    """An id as AWS makes them (a letter, then letters and digits), the same at each start."""
    number = int.from_bytes(hashlib.sha256("/".join(parts).encode()).digest(), "big")
    number, first = divmod(number, 26)
    characters = [_ALPHABET[first]]
    for _ in range(length - 1):
        number, index = divmod(number, len(_ALPHABET))
        characters.append(_ALPHABET[index])
    return "".join(characters)
