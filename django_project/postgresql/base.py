"""The database connection: Django's own, signed in by a fresh IAM token where that is configured."""

import select
import time
from typing import Any

from django.conf import settings
from django.db.backends.postgresql import base

from django_project.postgresql.iam import authentication_token

RECENT_SECONDS = 5


class DatabaseWrapper(base.DatabaseWrapper):
    """Makes the password when a connection is opened, and looks after a connection that is kept."""

    _known_good_at = 0.0

    def is_usable(self) -> bool:
        """Whether the connection still works.

        One that was in use moments ago is looked at without a round trip: where the server has ended it, its
        farewell waits to be read. Wall-clock time: the other one may stand still in a frozen environment.
        """
        now = time.time()
        if self.connection is None or self.connection.closed:
            usable = False
        elif 0 <= now - self._known_good_at < RECENT_SECONDS:
            poll = select.poll()
            poll.register(self.connection.fileno(), select.POLLIN)
            usable = not poll.poll(0)
        else:
            usable = bool(super().is_usable())
        self._known_good_at = now if usable else 0.0
        return usable

    def get_connection_params(self) -> dict[str, Any]:
        parameters: dict[str, Any] = super().get_connection_params()
        database = settings.ENVIRONMENT.database
        if database.auth == "iam":
            parameters["password"] = authentication_token(database.host, database.port, database.user)
        return parameters
