"""Everything that differs between deployments: one typed value, by the name of a profile."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from aws_cdk.aws_logs import RetentionDays

from infra.failure import Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """A deployment. Every name in the account starts with `prefix`.

    `websocket_concurrency` and `http_concurrency` reserve a part of the account's concurrency, which bounds
    the connections to the database as well. A new account has too little to reserve any of it: None.
    """

    profile: str
    prefix: str = "parlor"
    scheme: str = "https"
    connect_limit: str = "20/600"
    """Connection attempts a minute: of a person / of an address."""
    database_sslmode: str = "verify-full"
    database_instance: str = "t4g.micro"
    database_storage_gib: int = 20
    database_backup_days: int = 1
    database_in_two_zones: bool = False
    protected: bool = False
    """Nothing that holds people's data can be deleted with the stack."""
    queue_endpoint_in_two_zones: bool = False
    websocket_memory_mib: int = 1024
    http_memory_mib: int = 1024
    websocket_concurrency: int | None = None
    http_concurrency: int | None = None
    delivery_concurrency: int = 5
    sessions_concurrency: int = 2
    log_retention: RetentionDays = RetentionDays.TWO_WEEKS
    posts_per_second: int = 5000
    """Of one delivery environment; the account's quota is 10,000 requests a second, posts included."""


TRY = Configuration(profile="try")
"""The cheapest that is honest."""

PRODUCTION = Configuration(
    profile="production",
    database_instance="t4g.medium",
    database_storage_gib=50,
    database_backup_days=14,
    database_in_two_zones=True,
    protected=True,
    queue_endpoint_in_two_zones=True,
    websocket_memory_mib=1769,
    http_memory_mib=1769,
    websocket_concurrency=100,
    http_concurrency=50,
    delivery_concurrency=20,
    log_retention=RetentionDays.THREE_MONTHS,
)
"""Two zones, backups, and data that can't be deleted by mistake."""

LAPTOP = replace(
    TRY,
    profile="laptop",
    scheme="http",
    connect_limit="10000/10000",
    database_sslmode="disable",
)
"""`try` on one machine: plain HTTP to and from 127.0.0.1, and no limit that a developer would run into."""

PROFILES: Mapping[str, Configuration] = {made.profile: made for made in (TRY, PRODUCTION, LAPTOP)}


def configuration_from(context: Mapping[str, Any]) -> Configuration:
    """The configuration that the context chooses: `profile`, and on top of it `prefix` and `connect_limit`.

    :raises Failure: With a sentence that says what is allowed.
    """
    profile = context.get("profile", TRY.profile)
    if profile not in PROFILES:
        raise Failure(f"There is no profile {profile!r}: choose one of {', '.join(PROFILES)}.")
    configuration = PROFILES[profile]
    if "prefix" in context:
        configuration = replace(
            configuration, prefix=_matching(context, "prefix", r"[a-z][a-z0-9-]{1,20}", "parlor")
        )
    if "connect_limit" in context:
        limit = _matching(context, "connect_limit", r"[1-9][0-9]{0,6}/[1-9][0-9]{0,6}", "20/600")
        configuration = replace(configuration, connect_limit=limit)
    return configuration


def _matching(context: Mapping[str, Any], key: str, pattern: str, example: str) -> str:
    value = context[key]
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise Failure(f"{key} is {value!r}: it must look like {example!r}.")
    return value
