"""The admin: what each page shows, who may do what there, and that it is written down."""

from chat.admin import broadcast, log, messages, moderation, people, rooms  # noqa: F401 (they register themselves)
