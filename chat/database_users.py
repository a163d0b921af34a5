"""The database's users: one for each function, who may do what the function does and no more.

Whoever adds a model, or has a function do something new to one, says so here: the database refuses everything
else.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from django.apps import apps
from django.db import connection, transaction
from psycopg import sql

# Signed in by a token, and only so: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html
IAM_ROLE = "rds_iam"

# A frozen environment keeps its connection and can't close it: the database ends those that idle.
SESSION_SETTINGS: Mapping[str, str] = {
    "idle_session_timeout": "15min",
    "idle_in_transaction_session_timeout": "30s",
    "statement_timeout": "30s",
}

_LIBRARY = "django_aws_api_gateway_websockets"
_ALL = "SELECT, INSERT, UPDATE, DELETE"

# Whose connection it is, and what they may: `user.has_perm` and the library's rules of entry.
_WHO_MAY = {
    "auth.User": "SELECT",
    "auth.Group": "SELECT",
    "auth.Permission": "SELECT",
    "auth.User_groups": "SELECT",
    "auth.User_user_permissions": "SELECT",
    "auth.Group_permissions": "SELECT",
    "contenttypes.ContentType": "SELECT",
    f"{_LIBRARY}.ChannelPermission": "SELECT",
    f"{_LIBRARY}.ChannelPermissionRule": "SELECT",
    f"{_LIBRARY}.ChannelPermissionRule_permissions": "SELECT",
    "chat.Room": "SELECT",
    "chat.Restriction": "SELECT",
}

GRANTS: Mapping[str, Mapping[str, str]] = {
    "websocket": {
        **_WHO_MAY,
        "sessions.Session": "SELECT",
        f"{_LIBRARY}.ApiGateway": "SELECT",
        f"{_LIBRARY}.WebSocketSession": "SELECT, INSERT, UPDATE",
        f"{_LIBRARY}.WebSocketToken": "SELECT, UPDATE (used)",
        f"{_LIBRARY}.ConnectionRateLimit": "SELECT, INSERT, UPDATE (successful)",
        "chat.Room": "SELECT, UPDATE (last_sequence)",
        "chat.ChatMessage": "SELECT, INSERT, UPDATE (message, revision, edited_at, deleted_at)",
        "chat.MessageChange": "SELECT, INSERT",
        "chat.Undelivered": "SELECT, INSERT, DELETE",
        "chat.Allowance": "SELECT, INSERT, UPDATE",
        "chat.ConnectionLogin": "SELECT, INSERT",
        "chat.Restriction": "SELECT, INSERT, UPDATE",
        "chat.Report": "SELECT, INSERT",
        "chat.AuditEntry": "INSERT",
    },
    # The admin works on whatever model it knows. What it shows and must not change is the exception.
    "http": {
        "*": _ALL,
        f"{_LIBRARY}.ApiGateway": "SELECT",
        f"{_LIBRARY}.ApiGatewayAdditionalRoute": "SELECT",
        # Moderators delete messages there as on the wire: the text goes, and an event is added. Whoever is
        # deleted leaves what they wrote, without their account.
        "chat.ChatMessage": "SELECT, UPDATE (user_id, message, revision, edited_at, deleted_at)",
        "chat.MessageChange": "SELECT, INSERT, UPDATE (changed_by_id)",
        "chat.Undelivered": "SELECT, INSERT, DELETE",
        "chat.Allowance": "SELECT, INSERT, UPDATE",
        "chat.AuditEntry": "SELECT, INSERT",
    },
    "sessions": {
        **_WHO_MAY,
        "sessions.Session": "SELECT, DELETE",
        f"{_LIBRARY}.WebSocketSession": "SELECT, UPDATE, DELETE",
        f"{_LIBRARY}.WebSocketToken": "SELECT, DELETE",
        f"{_LIBRARY}.ConnectionRateLimit": "SELECT, DELETE",
        # Of messages only those that were left behind: see `_POLICIES`.
        "chat.ChatMessage": "SELECT",
        "chat.MessageChange": "SELECT",
        "chat.Undelivered": "SELECT, UPDATE (since), DELETE",
        "chat.Allowance": "SELECT, DELETE",
        "chat.ConnectionLogin": "SELECT, DELETE",
        "chat.Restriction": "SELECT, DELETE",
        "chat.Report": "SELECT, DELETE",
    },
    "broadcast": {
        **_WHO_MAY,
        f"{_LIBRARY}.WebSocketSession": "SELECT",
    },
}

# Functions of the database that work with its owner's rights, and who may call them.
CALLS: Mapping[str, Sequence[str]] = {"chat_forget_audit(timestamptz, integer)": ["sessions"]}

# Rows that a function's user sees of a table that it may read; the others' users see all.
# Passing on what was left behind takes its text, and that of no other message: nothing can be put among it.
_POLICIES: Mapping[str, Mapping[str, str]] = {
    "chat.ChatMessage": {
        "sessions": """
            EXISTS (
                SELECT FROM chat_undelivered AS waiting
                LEFT JOIN chat_messagechange AS change
                    ON change.room = waiting.room AND change.sequence = waiting.sequence
                WHERE waiting.room = chat_chatmessage.room
                  AND chat_chatmessage.sequence IN (waiting.sequence, change.target)
            )
        """
    }
}


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """One privilege of a user on a table, or on one of its columns."""

    user: str
    table: str
    privilege: str
    column: str = ""


def wanted(users: Mapping[str, str]) -> set[Grant]:
    """The grants of the functions' users, given as function → user.

    :raises LookupError: A function or a model that there is not.
    """
    return {
        Grant(user, table, privilege, column)
        for function, user in users.items()
        for table, privileges in _by_table(GRANTS[function]).items()
        for privilege, columns in _parsed(privileges)
        for column in columns
    }


def ensure_users(users: Mapping[str, str]) -> list[str]:
    """Make the users, given as function → user, and grant them what they may. Returns what was done."""
    done: list[str] = []
    with transaction.atomic():
        for user in users.values():
            done += _ensure_user(user)
        done += _close_to_others(users.values())
        done += _ensure_grants(users)
        done += _ensure_policies(users)
        done += _ensure_calls(users)
    return done


def sign_in_by_token() -> list[str]:
    """Let this connection's user sign in by IAM token from now on. RDS then refuses its password."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        user = str(cursor.fetchone()[0])
    return _ensure_iam(user)


def _by_table(models: Mapping[str, str]) -> dict[str, str]:
    every = {
        model._meta.label_lower: model._meta.db_table for model in apps.get_models(include_auto_created=True)
    }
    tables = dict.fromkeys(every.values(), models["*"]) if "*" in models else {}
    for label, privileges in models.items():
        if label != "*":
            tables[every[label.lower()]] = privileges
    return tables


_PRIVILEGE = re.compile(r"(\w+)(?: \(([^)]*)\))?(?:, )?")


def _parsed(privileges: str) -> Iterator[tuple[str, Sequence[str]]]:
    """`SELECT, UPDATE (a, b)` as pairs of privilege and columns, one empty for the whole table."""
    for match in _PRIVILEGE.finditer(privileges):
        yield match[1], match[2].split(", ") if match[2] else [""]


def _ensure_user(user: str) -> list[str]:
    done = []
    if not _found("SELECT FROM pg_roles WHERE rolname = %s", user):
        _execute("CREATE ROLE {user} LOGIN", user=user)
        done.append(f"made {user}")
    done += _ensure_iam(user)
    for name, value in SESSION_SETTINGS.items():
        if not _found(
            "SELECT FROM pg_roles WHERE rolname = %s AND %s = ANY(rolconfig)", user, f"{name}={value}"
        ):
            _execute(
                "ALTER ROLE {user} SET {setting} = {value}", user=user, setting=name, value=sql.Literal(value)
            )
            done.append(f"set {name} of {user}")
    return done


def _ensure_iam(user: str) -> list[str]:
    if not _found("SELECT FROM pg_roles WHERE rolname = %s", IAM_ROLE) or _found(
        "SELECT FROM pg_auth_members WHERE roleid = to_regrole(%s) AND member = to_regrole(quote_ident(%s))",
        IAM_ROLE,
        user,
    ):
        return []
    _execute("GRANT {iam} TO {user}", iam=IAM_ROLE, user=user)
    return [f"gave {IAM_ROLE} to {user}"]


def _close_to_others(users: Iterable[str]) -> list[str]:
    """Let nobody connect, or make temporary tables, who was not named."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT acl.grantee = 0, pg_get_userbyid(acl.grantee), acl.privilege_type
            FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba))) acl
            WHERE datname = current_database()
            """
        )
        held = cursor.fetchall()
        cursor.execute("SELECT current_database()")
        database = str(cursor.fetchone()[0])
    connecting = {user for is_public, user, privilege in held if privilege == "CONNECT" and not is_public}
    done = []
    for user in users:
        if user not in connecting:
            _execute("GRANT CONNECT ON DATABASE {database} TO {user}", database=database, user=user)
            done.append(f"let {user} connect")
    if any(is_public for is_public, *_ in held):
        _execute("REVOKE ALL ON DATABASE {database} FROM PUBLIC", database=database)
        done.append("closed the database to others")
    return done


def _ensure_grants(users: Mapping[str, str]) -> list[str]:
    want, have = wanted(users), _granted(users.values())
    for grant in sorted(have - want):
        _execute(_statement("REVOKE", grant, "FROM"), user=grant.user, table=grant.table, column=grant.column)
    for grant in sorted(want - have):
        _execute(_statement("GRANT", grant, "TO"), user=grant.user, table=grant.table, column=grant.column)
    return [
        f"{verb} {len(changed)} privileges of {user}"
        for verb, grants in (("took", have - want), ("gave", want - have))
        for user in sorted(users.values())
        if (changed := [grant for grant in grants if grant.user == user])
    ]


def _statement(verb: str, grant: Grant, preposition: str) -> str:
    of_column = " ({column})" if grant.column else ""
    return f"{verb} {grant.privilege}{of_column} ON {{table}} {preposition} {{user}}"


def _granted(users: Iterable[str]) -> set[Grant]:
    """What the users hold on the tables of the schema, by the catalogue."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT pg_get_userbyid(acl.grantee), held.relname, acl.privilege_type, held.attname
            FROM (
                SELECT relname, '' AS attname, relacl AS acl FROM pg_class
                WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm')
                UNION ALL
                SELECT relname, attname, attacl FROM pg_attribute
                JOIN pg_class ON pg_class.oid = attrelid
                WHERE relnamespace = 'public'::regnamespace
            ) held, aclexplode(held.acl) acl
            WHERE pg_get_userbyid(acl.grantee) = ANY(%s)
            """,
            [list(users)],
        )
        return {Grant(user, table, privilege, column) for user, table, privilege, column in cursor.fetchall()}


def _ensure_policies(users: Mapping[str, str]) -> list[str]:
    done = []
    for label, restricted in _POLICIES.items():
        table = apps.get_model(label)._meta.db_table
        # Named after what it says, so that another condition is another policy.
        want = {
            f"{user} {sha256(condition.encode()).hexdigest()[:8]}": (user, condition)
            for function, user in users.items()
            for condition in [restricted.get(function, "true")]
        }
        have = _policies(table)
        for name in sorted(have - want.keys()):
            _execute("DROP POLICY {policy} ON {table}", policy=name, table=table)
        for name in sorted(want.keys() - have):
            user, condition = want[name]
            _execute(
                "CREATE POLICY {policy} ON {table} TO {user} USING ({condition})",
                policy=name,
                table=table,
                user=user,
                condition=sql.SQL(condition),
            )
            done.append(f"said which rows of {table} {user} sees")
        if not _found("SELECT FROM pg_class WHERE oid = to_regclass(%s) AND relrowsecurity", table):
            _execute("ALTER TABLE {table} ENABLE ROW LEVEL SECURITY", table=table)
            done.append(f"hid the rows of {table} from others")
    return done


def _ensure_calls(users: Mapping[str, str]) -> list[str]:
    done = []
    for routine, callers in CALLS.items():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_get_userbyid(acl.grantee) FROM pg_proc, aclexplode(proacl) acl "
                "WHERE pg_proc.oid = to_regprocedure(%s) AND acl.grantee <> proowner",
                [routine],
            )
            have = {name for (name,) in cursor.fetchall()}
        want = {users[function] for function in callers if function in users}
        for user in sorted(want - have):
            _execute("GRANT EXECUTE ON FUNCTION {routine} TO {user}", routine=sql.SQL(routine), user=user)
            done.append(f"let {user} call {routine}")
        for user in sorted(have.intersection(users.values()) - want):
            _execute("REVOKE EXECUTE ON FUNCTION {routine} FROM {user}", routine=sql.SQL(routine), user=user)
            done.append(f"no longer lets {user} call {routine}")
    return done


def _policies(table: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT polname FROM pg_policy WHERE polrelid = to_regclass(%s)", [table])
        return {name for (name,) in cursor.fetchall()}


def _found(query: str, *parameters: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return cursor.fetchone() is not None


def _execute(statement: str, **names: str | sql.Composable) -> None:
    """Run a statement that names things. Names can't be parameters."""
    parts = {
        name: value if isinstance(value, sql.Composable) else sql.Identifier(value)
        for name, value in names.items()
    }
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(statement).format(**parts).as_string(cursor.connection))
