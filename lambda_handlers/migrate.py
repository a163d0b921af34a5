"""The migrate function: brings the database up to date at each deployment. Safe to run several at once."""

import logging
from typing import Any, cast

from lambda_handlers.django_setup import check_connections, set_up

set_up()

from django.conf import settings  # noqa: E402 (the settings belong to a Django that is set up)
from django.db import connection  # noqa: E402

from chat.database_users import ensure_users, sign_in_by_token  # noqa: E402
from chat.deployment import apply_migrations, only_one, register_gateway  # noqa: E402
from django_project.postgresql.base import DatabaseWrapper  # noqa: E402

logger = logging.getLogger(__name__)

# What is left of the function's time to say that the lock was not to be had.
SPARE_SECONDS = 15


class DeploymentFailed(Exception):
    """Why the database was not brought up to date. The stack's events show it: it holds no secret."""


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Migrate, make the functions' users, register the API Gateway. Answers with what it did.

    :raises DeploymentFailed: The deployment must stop.
    """
    try:
        done = _bring_up_to_date(context.get_remaining_time_in_millis() / 1000 - SPARE_SECONDS)
    except Exception as error:
        reason = without_secrets(f"{type(error).__name__}: {error}".strip(), _secrets())
        logger.error("The database was not brought up to date: %s", reason)
        # Not chained: the runtime would hand the whole story on.
        raise DeploymentFailed(reason) from None
    applied, users = done["migrations"], done["users"]
    logger.info(
        "Migrations: %s; gateway: %s; users: %s; signed in by %s",
        applied if isinstance(applied, str) else f"{len(applied)} applied, up to {applied[-1]}",
        done["gateway"],
        users if isinstance(users, str) else f"{len(users)} changes",
        done["signed_in_by"],
    )
    return done


def without_secrets(text: str, secrets: list[str]) -> str:
    """The text with every secret in it replaced, whatever it is that failed."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def _bring_up_to_date(wait_seconds: float) -> dict[str, Any]:
    check_connections()
    environment = settings.ENVIRONMENT
    with only_one(wait_seconds):
        signed_in = cast(DatabaseWrapper, connection).signed_in_by
        migrations = apply_migrations()
        gateway = register_gateway(environment.websocket_api_id, environment.websocket_stage)
        users = sign_in_by_token() + ensure_users(environment.database.users)
    nothing = "nothing to do"
    return {
        "ok": True,
        "signed_in_by": signed_in,
        "migrations": migrations or nothing,
        "gateway": gateway,
        "users": users or nothing,
    }


def _secrets() -> list[str]:
    environment = settings.ENVIRONMENT
    known = [
        environment.secret_key,
        *environment.secret_key_fallbacks,
        *environment.gateway_secrets,
        environment.database.password,
    ]
    return [secret for secret in known if secret]
