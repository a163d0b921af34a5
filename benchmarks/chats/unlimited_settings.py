"""Parlor's settings without the limit on messages, which a benchmark would run into."""

from django_project.settings import *  # noqa: F403

CHAT_SEND_LIMIT = 1_000_000
