"""Who may do what in which room: parts of SQL, read in a statement that is made anyway.

A statement that uses them names its tables `person`, `room` and `rule`; `person` and `rule` may be missing.
The rule is the library's `ChannelPermission`: a test holds that what is said here is what the library says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django_aws_api_gateway_websockets.models import ChannelPermission, ChannelPermissionRule

OPEN = ChannelPermission.Access.ALLOW_ALL
MODERATE = "moderate"
ANNOUNCE = "post_announcement"

# What a restriction is called in here is `held`.
HOLDS = "held.lifted_at IS NULL AND (held.until IS NULL OR held.until > now())"

# The permissions that a person has of their own or by their groups.
_HELD_BY_PERSON = """
    (EXISTS (
        SELECT FROM auth_user_user_permissions own
        WHERE own.user_id = person.id AND own.permission_id = {permission}
    ) OR EXISTS (
        SELECT FROM auth_user_groups member
        JOIN auth_group_permissions given ON given.group_id = member.group_id
        WHERE member.user_id = person.id AND given.permission_id = {permission}
    ))
"""
# Its name is too long for PostgreSQL: Django has cut it.
_NEEDED = ChannelPermissionRule.permissions.through._meta.db_table
# Everything of one of the rules, which says something.
_SATISFIES_A_RULE = f"""
    EXISTS (
        SELECT FROM django_aws_api_gateway_websockets_channelpermissionrule alternative
        WHERE alternative.channel_permission_id = rule.id
        AND EXISTS (
            SELECT FROM {_NEEDED} needed
            WHERE needed.channelpermissionrule_id = alternative.id
        )
        AND NOT EXISTS (
            SELECT FROM {_NEEDED} needed
            WHERE needed.channelpermissionrule_id = alternative.id
              AND NOT {_HELD_BY_PERSON.format(permission="needed.permission_id")}
        )
    )
"""  # noqa: S608 (constants, no input)

# What is held against the person, in the room and everywhere: to be joined as `restricted`.
RESTRICTED = f"""
    LEFT JOIN LATERAL (
        SELECT bool_or(held.kind = 'ban' AND held.room IS NULL) AS everywhere,
               bool_or(held.kind = 'ban') AS banned,
               bool_or(held.kind = 'mute') AS muted,
               bool_or(held.kind = 'mute' AND held.until IS NULL) AS muted_without_end,
               max(held.until) FILTER (WHERE held.kind = 'mute') AS muted_until
        FROM chat_restriction held
        WHERE held.user_id = person.id AND (held.room IS NULL OR held.room = room.name) AND {HOLDS}
    ) restricted ON true
"""  # noqa: S608

# Whether the person, or a guest where there is none, may be in the room.
ADMITTED = f"""
    CASE
        WHEN rule.access IS NULL OR restricted.banned THEN false
        WHEN person.id IS NULL THEN room.guests AND rule.access = '{OPEN}'
        WHEN NOT person.is_active THEN false
        WHEN rule.access = '{OPEN}' THEN true
        WHEN rule.access NOT IN ('superuser_only', 'staff_only', 'permissions') THEN false
        WHEN person.is_superuser THEN true
        WHEN rule.access = 'staff_only' THEN person.is_staff
        WHEN rule.access = 'permissions' THEN {_SATISFIES_A_RULE}
        ELSE false
    END
"""


def holds_permission(codename: str) -> str:
    """Whether the person has a permission of the chat, as `user.has_perm` would say."""
    return f"""
        (person.is_superuser OR EXISTS (
            SELECT FROM auth_permission asked
            JOIN django_content_type kind ON kind.id = asked.content_type_id
            WHERE kind.app_label = 'chat' AND asked.codename = '{codename}'
              AND {_HELD_BY_PERSON.format(permission="asked.id")}
        ))
    """


@dataclass(frozen=True, slots=True)
class Rights:
    """What a person may do in a room at this moment.

    `moderates` and `announces` are only known where the statement asked for them.
    """

    admitted: bool
    banned_everywhere: bool
    muted: bool
    muted_until: datetime | None
    moderates: bool
    announces: bool

    @classmethod
    def from_row(cls, values: Sequence[Any]) -> "Rights":
        """From the values of `rights_columns`."""
        admitted, everywhere, muted, without_end, until, moderates, announces = values
        return cls(
            bool(admitted),
            bool(everywhere),
            bool(muted),
            None if without_end else until,
            bool(moderates),
            bool(announces),
        )


COLUMN_COUNT = 7


def rights_columns(*, moderates_if: str, announces_if: str) -> str:
    """The columns of `Rights`. Permissions take reading: they are looked up where a condition says so."""
    return f"""
        {ADMITTED}, restricted.everywhere, restricted.muted, restricted.muted_without_end,
        restricted.muted_until,
        CASE WHEN {moderates_if} THEN {holds_permission(MODERATE)} END,
        CASE WHEN {announces_if} THEN {holds_permission(ANNOUNCE)} END
    """
