"""The database connection: Django's own, signed in by a fresh IAM token where that is configured."""

from typing import Any

from django.conf import settings
from django.db.backends.postgresql import base

from django_project.postgresql.iam import authentication_token


class DatabaseWrapper(base.DatabaseWrapper):
    """Makes the password when a connection is opened: a token is valid for 15 minutes."""

    def get_connection_params(self) -> dict[str, Any]:
        parameters: dict[str, Any] = super().get_connection_params()
        database = settings.ENVIRONMENT.database
        if database.auth == "iam":
            parameters["password"] = authentication_token(database.host, database.port, database.user)
        return parameters
