"""What a deployment does to the database: migrations, and the API Gateway's row. (Users: database_users.)"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from django_aws_api_gateway_websockets.models import ApiGateway, WebSocketSession
from psycopg import errors

GATEWAY_NAME = "parlor"
LOCK = 0x7061726C6F72


class Busy(Exception):
    """Somebody else has been deploying for longer than one can wait."""


@contextmanager
def only_one(wait_seconds: float) -> Iterator[None]:
    """Hold a lock that one process at a time can have. PostgreSQL releases it if its holder is killed.

    :raises Busy: Somebody else still held it after `wait_seconds`.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('lock_timeout', %s, false)", [f"{max(1, int(wait_seconds * 1000))}ms"]
        )
        try:
            cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        except OperationalError as error:
            if isinstance(error.__cause__, errors.LockNotAvailable):
                raise Busy(f"Another migration has been running for {wait_seconds:.0f} s.") from None
            raise
        cursor.execute("RESET lock_timeout")
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def apply_migrations() -> list[str]:
    """Apply what is missing. Returns the names of the migrations that were applied."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        call_command("migrate", interactive=False, verbosity=0)
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def register_gateway(api_id: str, stage: str) -> str:
    """Make the library accept events of the API, and of no other. Returns what was done."""
    if not api_id:
        return "no WebSocket API given"
    gateway = ApiGateway.objects.filter(api_name=GATEWAY_NAME).first()
    if gateway and (gateway.api_id, gateway.stage_name) == (api_id, stage):
        return "nothing to do"
    if gateway:
        # The API was replaced: whoever was connected to the old one isn't any more.
        WebSocketSession.objects.filter(api_gateway=gateway, connected=True).update(
            connected=False, updated_on=timezone.now()
        )
    ApiGateway.objects.update_or_create(
        api_name=GATEWAY_NAME,
        defaults={
            "api_id": api_id,
            "stage_name": stage,
            "api_created": True,
            "api_description": "Declared by the template of the stack.",
            "provisioning_status": ApiGateway.ProvisioningStatus.DEPLOYED,
        },
    )
    return f"registered {api_id}"
