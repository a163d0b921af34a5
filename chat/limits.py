"""How often each kind of action may be done. The figures are settings; what a person reads stands here."""

from django.conf import settings

from chat.allowances import Allowance

_SENTENCES = {
    "change": "You can change {count} messages in {seconds} seconds. Wait a moment and try again.",
    "history": "You read faster than the chat can tell. Wait a moment and go on.",
    "move": "You change rooms faster than the chat can follow. Wait a moment and try again.",
    "unread": "You ask for what is unread more often than the chat can tell. Wait a moment.",
    "presence": "You ask who is here more often than the chat can tell. Wait a moment.",
    "typing": "You tell that you are writing more often than anybody reads it. Wait a moment.",
    "report": "You have reported a lot. Wait a while before you report more.",
    "moderation": "That were many decisions at once. Wait a moment and try again.",
}


def message_limit() -> Allowance:
    count, seconds = settings.CHAT_SEND_LIMIT, settings.CHAT_SEND_WINDOW_SECONDS
    return Allowance(
        count,
        seconds,
        f"You can send {count} messages in {seconds} seconds. Wait a moment and send it again.",
    )


def slow_mode(seconds: int) -> Allowance:
    return Allowance(
        1, seconds, "This room is in slow mode: wait until you can write again, and send it then."
    )


def limit_of(kind: str) -> Allowance:
    """The limit of a kind of action."""
    count, seconds = settings.CHAT_LIMITS[kind]
    return Allowance(count, seconds, _SENTENCES[kind].format(count=count, seconds=seconds))
