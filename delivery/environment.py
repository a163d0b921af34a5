"""What Lambda and the template say in environment variables: credentials, region, addresses."""

from __future__ import annotations

import os
from collections.abc import Mapping

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

    :raises EnvironmentIncomplete: A credential or the region is missing.
    """
    return Signer(
        required("AWS_ACCESS_KEY_ID", variables),
        required("AWS_SECRET_ACCESS_KEY", variables),
        variables.get("AWS_SESSION_TOKEN"),
        variables.get("AWS_REGION") or required("AWS_DEFAULT_REGION", variables),
        service,
    )
