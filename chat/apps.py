"""The chat as a Django application."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "chat"

    def ready(self) -> None:
        from chat import checks, closing, names  # noqa: F401 (register checks, and receivers of signals)
