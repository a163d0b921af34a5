"""Everything that differs between deployments: one typed value, by the name of a profile."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from aws_cdk.aws_logs import RetentionDays

from infra.failure import Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttle:
    """At most `rate` requests a second, and `burst` at once."""

    rate: int
    burst: int


ACCOUNT_THROTTLE = Throttle(rate=10_000, burst=5_000)
"""API Gateway's own, of an account and region: where a stage has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Concurrency:
    """How many of each function may run at once. Each holds one connection to the database.

    The delivery holds none: its queue bounds it, since what a reservation refuses counts as received in vain.
    """

    websocket: int
    http: int
    sessions: int = 3
    """Two batches of its queue, and the schedule."""
    broadcast: int = 2
    migrate: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """An address of one's own. The certificate is in us-east-1; without a zone the records are up to you."""

    name: str
    certificate_arn: str
    zone_id: str | None = None
    zone_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """A deployment. Every name in the account starts with `prefix`."""

    profile: str
    prefix: str = "parlor"
    scheme: str = "https"
    domain: Domain | None = None
    connect_limit: str = "20/600"
    """Connection attempts a minute: of a person / of an address."""

    login_limit: str = "10/100"
    """Attempts at passwords in five minutes: at one account's from an address / from an address at all."""
    mail: str = ""
    """Where mail for new passwords goes: "console:" prints it, nothing doesn't offer it."""

    gateway_secrets: tuple[int, ...] = (1, 2)
    """Numbers of the secrets by which requests through the distribution are known. It sends the first; the
    functions accept all, so that the next is known before it is sent. To rotate, change (1, 2) to (2, 3)."""
    django_keys: tuple[int, ...] = (1,)
    """Numbers of Django's keys: the first signs, all verify. To rotate: (1,), then (1, 2), then
    (2, 1), each deployed, and (2,) when nobody holds an older cookie any more."""

    database_sslmode: str = "verify-full"
    database_instance: str = "t4g.micro"
    database_storage_gib: int = 20
    database_backup_days: int = 1
    database_connections: int = 90
    database_in_two_zones: bool = False
    protected: bool = False
    """Nothing that holds people's data can be deleted with the stack."""
    queue_endpoint_in_two_zones: bool = False

    websocket_memory_mib: int = 1024
    http_memory_mib: int = 1024
    concurrency: Concurrency = Concurrency(websocket=20, http=8)
    reserve_concurrency: bool = True
    """Off where the account's own limit is too low to reserve any of it, which then is the bound."""
    delivery_concurrency: int = 5
    snap_start: bool = False
    """Start the WebSocket function from a snapshot of one that has been initialised."""

    connects: Throttle = Throttle(rate=100, burst=200)
    messages: Throttle = Throttle(rate=500, burst=1_000)
    requests: Throttle = Throttle(rate=100, burst=200)
    posts_per_second: int = 5000
    """Of one delivery environment; the account's quota is 10,000 requests a second, posts included."""

    log_retention: RetentionDays = RetentionDays.TWO_WEEKS
    edge_log_days: int = 30
    api_logging_role: bool = True
    """Make the role by which API Gateway writes access logs. Off where the account has one in this region."""
    every_alarm: bool = False
    """Alarms for each function, not only those without which nobody would know."""
    alarm_email: str | None = None
    firewall: bool = False
    """AWS WAF in front of the distribution."""


TRY = Configuration(profile="try")
"""The cheapest that is honest."""

PRODUCTION = Configuration(
    profile="production",
    database_instance="t4g.medium",
    database_storage_gib=50,
    database_backup_days=14,
    database_connections=300,
    database_in_two_zones=True,
    protected=True,
    queue_endpoint_in_two_zones=True,
    websocket_memory_mib=1769,
    http_memory_mib=1769,
    concurrency=Concurrency(websocket=100, http=30, sessions=5),
    delivery_concurrency=20,
    connects=Throttle(rate=400, burst=800),
    messages=Throttle(rate=2_000, burst=4_000),
    requests=Throttle(rate=400, burst=800),
    log_retention=RetentionDays.THREE_MONTHS,
    edge_log_days=90,
    every_alarm=True,
)
"""Two zones, backups, and data that can't be deleted by mistake."""

LAPTOP = replace(
    TRY,
    profile="laptop",
    scheme="http",
    connect_limit="10000/10000",
    login_limit="10000/10000",
    mail="console:",
    database_sslmode="disable",
    reserve_concurrency=False,
    # No account's quota is shared here, and with 5,000 a busy room of 1,000 waits for its turn. With far more
    # each environment would open 256 connections to the gateway instead of 64, and others would wait.
    posts_per_second=10_000,
    connects=ACCOUNT_THROTTLE,
    messages=ACCOUNT_THROTTLE,
    requests=ACCOUNT_THROTTLE,
)
"""`try` on one machine: plain HTTP to and from 127.0.0.1, and no limit that a developer would run into."""

PROFILES: Mapping[str, Configuration] = {made.profile: made for made in (TRY, PRODUCTION, LAPTOP)}


def configuration_from(context: Mapping[str, Any]) -> Configuration:
    """The configuration that the context chooses: `profile`, and single settings on top of it.

    :raises Failure: With a sentence that says what is allowed.
    """
    profile = context.get("profile", TRY.profile)
    if profile not in PROFILES:
        raise Failure(f"There is no profile {profile!r}: choose one of {', '.join(PROFILES)}.")
    chosen = {name: setting(name, context[name]) for name, setting in _SETTINGS.items() if name in context}
    domain = {name: setting(name, context[name]) for name, setting in _DOMAIN.items() if name in context}
    if domain:
        chosen["domain"] = _domain(domain)
    return replace(PROFILES[profile], **chosen)


def _domain(given: Mapping[str, str]) -> Domain:
    if not {"domain", "certificate_arn"} <= given.keys() or ("zone_id" in given) != ("zone_name" in given):
        raise Failure(
            "A domain takes domain and certificate_arn, and zone_id together with zone_name if at all."
        )
    return Domain(
        name=given["domain"],
        certificate_arn=given["certificate_arn"],
        zone_id=given.get("zone_id"),
        zone_name=given.get("zone_name"),
    )


def _matching(pattern: str, example: str) -> Callable[[str, object], str]:
    def matching(name: str, value: object) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise Failure(f"{name} is {value!r}: it must look like {example!r}.")
        return value

    return matching


def _numbers(name: str, value: object) -> tuple[int, ...]:
    text = _matching(r"[1-9][0-9]{0,5}(,[1-9][0-9]{0,5})*", "1,2")(name, value)
    return tuple(int(number) for number in text.split(","))


def _on_or_off(name: str, value: object) -> bool:
    # The command line gives strings.
    if value in (True, "true"):
        return True
    if value in (False, "false"):
        return False
    raise Failure(f"{name} is {value!r}: it must be true or false.")


_HOST = r"(?=.{4,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}"
_SETTINGS: Mapping[str, Callable[[str, object], Any]] = {
    "prefix": _matching(r"[a-z][a-z0-9-]{1,20}", "parlor"),
    "connect_limit": _matching(r"[1-9][0-9]{0,6}/[1-9][0-9]{0,6}", "20/600"),
    "login_limit": _matching(r"[1-9][0-9]{0,6}/[1-9][0-9]{0,6}", "10/100"),
    "alarm_email": _matching(r"[^@\s]+@[^@\s]+\.[^@\s]+", "ops@example.com"),
    "gateway_secrets": _numbers,
    "django_keys": _numbers,
    "reserve_concurrency": _on_or_off,
    "api_logging_role": _on_or_off,
    "snap_start": _on_or_off,
    "firewall": _on_or_off,
}
_DOMAIN: Mapping[str, Callable[[str, object], str]] = {
    "domain": _matching(_HOST, "chat.example.com"),
    "certificate_arn": _matching(
        r"arn:aws:acm:us-east-1:\d{12}:certificate/[0-9a-f-]+",
        "arn:aws:acm:us-east-1:123456789012:certificate/…",
    ),
    "zone_id": _matching(r"Z[A-Z0-9]+", "Z0123456789ABCDEFGHIJ"),
    "zone_name": _matching(_HOST, "example.com"),
}
