"""What the chat holds about a person, in their own words: account, messages, reports, restrictions."""

from typing import Any

from django.contrib.auth.models import User
from django.urls import reverse

from chat.models import ChatMessage, Report, Restriction

# A function's answer may have 6 MB: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html.
# A character takes at most 12 bytes of escapes.
_CHARACTERS = 200_000
_MESSAGES = 1_000


def own_data(user: User, after: int = 0) -> dict[str, Any]:
    """A part of it. Where there is more, `next` is the address of the next part, and None at the end."""
    messages = list(
        ChatMessage.objects.filter(user=user, pk__gt=after)
        .order_by("pk")
        .values("pk", "room", "sequence", "message", "created_at", "edited_at", "deleted_at")[: _MESSAGES + 1]
    )
    count = characters = 0
    for message in messages[:_MESSAGES]:
        characters += len(message["message"])
        if count and characters > _CHARACTERS:
            break
        count += 1
    shown = messages[:count]
    more = count < len(messages)
    last = shown[-1]["pk"] if shown else 0
    return {
        "account": {
            "username": user.get_username(),
            "email": user.email,
            "date_joined": user.date_joined,
            "last_login": user.last_login,
            "is_staff": user.is_staff,
            "groups": list(user.groups.values_list("name", flat=True)),
        },
        "restrictions": list(
            Restriction.objects.filter(user=user).values(
                "kind", "room", "until", "reason", "created_at", "lifted_at"
            )
        ),
        "reports": list(
            Report.objects.filter(reporter=user).values(
                "room", "sequence", "reason", "note", "created_at", "resolved_at", "resolution"
            )
        ),
        "messages": [{name: value for name, value in each.items() if name != "pk"} for each in shown],
        "next": f"{reverse('own_data')}?after={last}" if more else None,
    }
