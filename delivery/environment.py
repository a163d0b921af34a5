"""What Lambda and the template say in environment variables: credentials, region, addresses."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from delivery.credentials import handed_out
from delivery.signing import Signer


class EnvironmentIncomplete(Exception):
    """A variable is missing. The text names it."""


def required(name: str, variables: Mapping[str, str] = os.environ) -> str:
    """A variable's value.

    :raises EnvironmentIncomplete: It is missing or empty.
    """
    if not (value := variables.get(name, "")):
        raise EnvironmentIncomplete(f"The environment variable {name} is not set.")
    return value


def signer_for(service: str, variables: Mapping[str, str] = os.environ) -> Signer:
    """A signer with the function's own credentials and region: `execute-api`, `sqs`, `rds-db` …

    The same one as before for as long as the credentials are the same.

    :raises EnvironmentIncomplete: A credential or the region is missing.
    :raises NoCredentials: Lambda doesn't hand them out.
    """
    held: tuple[str, str, str | None]
    if (url := variables.get("AWS_CONTAINER_CREDENTIALS_FULL_URI")) and "AWS_ACCESS_KEY_ID" not in variables:
        given = handed_out(url, variables.get("AWS_CONTAINER_AUTHORIZATION_TOKEN"))
        held = given.access_key, given.secret_key, given.token
    else:
        held = (
            required("AWS_ACCESS_KEY_ID", variables),
            required("AWS_SECRET_ACCESS_KEY", variables),
            variables.get("AWS_SESSION_TOKEN"),
        )
    return _signer(*held, variables.get("AWS_REGION") or required("AWS_DEFAULT_REGION", variables), service)


@lru_cache(maxsize=8)
def _signer(access_key: str, secret_key: str, token: str | None, region: str, service: str) -> Signer:
    return Signer(access_key, secret_key, token, region, service)


def in_lambda(variables: Mapping[str, str] = os.environ) -> bool:
    """A Lambda runtime runs this process, not a test or a person."""
    return "AWS_LAMBDA_RUNTIME_API" in variables


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryEnvironment:
    """What the template tells the delivery function."""

    connections_url: str
    deliveries_url: str
    dead_letters_url: str
    gone_url: str
    posts_per_second: float


def read_environment(variables: Mapping[str, str] = os.environ) -> DeliveryEnvironment:
    """Read the delivery function's variables.

    :raises EnvironmentIncomplete: One is missing, or is not what it should be.
    """
    rate = variables.get("POSTS_PER_SECOND", "5000")
    if not rate.isdecimal() or int(rate) < 1:
        raise EnvironmentIncomplete(f"POSTS_PER_SECOND must be a whole number of 1 or more, not {rate!r}.")
    return DeliveryEnvironment(
        connections_url=required("CONNECTIONS_URL", variables),
        deliveries_url=required("DELIVERY_QUEUE_URL", variables),
        dead_letters_url=required("DEAD_LETTER_QUEUE_URL", variables),
        gone_url=required("GONE_QUEUE_URL", variables),
        posts_per_second=float(rate),
    )
