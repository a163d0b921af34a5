"""The migrate function: brings the database up to date at each deployment. Safe to run several at once."""

import logging
from typing import Any

from lambda_handlers.django_setup import check_connections, set_up

set_up()

from django.conf import settings  # noqa: E402 (the settings belong to a Django that is set up)

from chat.deployment import application_role, apply_migrations, only_one, register_gateway  # noqa: E402

logger = logging.getLogger(__name__)


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Migrate, register the API Gateway, make the application's role. Answers with what it did.

    An exception is the function's failure: a deployment must stop at it.
    """
    check_connections()
    environment = settings.ENVIRONMENT
    with only_one():
        migrations = apply_migrations()
        gateway = register_gateway(environment.websocket_api_id, environment.websocket_stage)
        role = application_role(environment.database.app_user)
    done = {
        "ok": True,
        "migrations": migrations or "nothing to do",
        "gateway": gateway,
        "role": role,
    }
    applied = f"{len(migrations)} applied, up to {migrations[-1]}" if migrations else "nothing to do"
    logger.info("Migrations: %s; gateway: %s; role: %s", applied, gateway, role)
    return done
