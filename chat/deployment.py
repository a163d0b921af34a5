"""What a deployment does to the database: migrations, the API Gateway's row, the application's role."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from django_aws_api_gateway_websockets.models import ApiGateway, WebSocketSession
from psycopg import sql

GATEWAY_NAME = "parlor"
_LOCK = 0x7061726C6F72


@contextmanager
def only_one() -> Iterator[None]:
    """Hold a lock that one process at a time can have. PostgreSQL releases it if its holder is killed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


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


def application_role(name: str) -> str:
    """Make the role that the other functions sign in as, and grant it what they need and no more."""
    if not name:
        return "no application user given"
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", [name])
        exists = cursor.fetchone() is not None
        if not exists:
            _execute("CREATE ROLE {role} LOGIN", name)
        cursor.execute("SELECT FROM pg_roles WHERE rolname = 'rds_iam'")
        if cursor.fetchone() is not None:
            # RDS: whoever has this role signs in by an IAM token, and only so.
            _execute("GRANT rds_iam TO {role}", name)
    for statement in (
        "GRANT USAGE ON SCHEMA public TO {role}",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
        "REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {role}",
        "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}",
    ):
        _execute(statement, name)
    return "granted" if exists else "made"


def _execute(statement: str, role: str) -> None:
    """Run a statement that names a role. Names can't be parameters."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(statement).format(role=sql.Identifier(role)).as_string(cursor.connection))
