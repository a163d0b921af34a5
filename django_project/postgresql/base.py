"""The database connection: Django's own, signed in by a fresh IAM token where that is configured."""

import select
import time
from typing import Any

from django.conf import settings
from django.db.backends.postgresql import base
from psycopg import OperationalError

from django_project.postgresql.iam import authentication_token

RECENT_SECONDS = 5


class DatabaseWrapper(base.DatabaseWrapper):
    """Makes the password when a connection is opened, and looks after a connection that is kept."""

    signed_in_by = ""
    """How the connection was signed in: by "IAM token" or "password"."""

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

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Sign in, by the password only where the server refuses the token: not where it can't be reached."""
        database = settings.ENVIRONMENT.database
        if database.auth == "iam":
            token = authentication_token(database.host, database.port, database.user)
            try:
                made = super().get_new_connection({**conn_params, "password": token})
            except OperationalError as error:
                # libpq hands on no code for this, only the server's sentence.
                if not database.password or "authentication failed" not in str(error):
                    raise
            else:
                self.signed_in_by = "IAM token"
                return made
        made = super().get_new_connection(conn_params)
        self.signed_in_by = "password"
        return made
