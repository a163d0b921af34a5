"""The chat as a Django application."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "chat"

    def ready(self) -> None:
        from chat import checks, names  # noqa: F401 (register the system checks, and what names are taken)
