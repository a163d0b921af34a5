"""System checks of the chat's settings."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from chat.models import MESSAGE_LENGTH


@register()
def check_limits(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Error where a limit is no positive number, or longer messages are allowed than the database takes."""
    names = ("CHAT_MESSAGE_LENGTH", "CHAT_SEND_LIMIT", "CHAT_SEND_WINDOW_SECONDS", "CHAT_HISTORY_PAGE")
    messages: list[CheckMessage] = [
        Error(f"{name} must be a whole number of 1 or more.", id="chat.E001")
        for name in names
        if type(getattr(settings, name)) is not int or getattr(settings, name) < 1
    ]
    messages += [
        Error(f"CHAT_LIMITS[{kind!r}] must be two whole numbers of 1 or more.", id="chat.E003")
        for kind, limit in settings.CHAT_LIMITS.items()
        if len(limit) != 2 or not all(type(each) is int and each >= 1 for each in limit)
    ]
    if not messages and settings.CHAT_MESSAGE_LENGTH > MESSAGE_LENGTH:
        messages.append(
            Error(
                f"CHAT_MESSAGE_LENGTH is above {MESSAGE_LENGTH}, the longest that the database takes.",
                hint="Change chat.models.MESSAGE_LENGTH and make a migration.",
                id="chat.E002",
            )
        )
    return messages
