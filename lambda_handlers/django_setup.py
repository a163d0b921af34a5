"""What every function that runs Django does once for each environment, and at the start of each event."""

import importlib
import logging
import sys
from types import ModuleType
from typing import Any

import django
from django.db import close_old_connections


def set_up() -> None:
    """Set Django up, and let its log lines through to the runtime's handler, which adds the request's id."""
    # The websockets library imports boto3 and nothing here uses it: 50 ms of each cold start and 9 MB.
    sys.modules.setdefault("boto3", _Deferred("boto3"))
    logging.getLogger().setLevel(logging.INFO)
    django.setup(set_prefix=False)


def check_connections() -> None:
    """Before an event: close a database connection that broke while the environment was frozen."""
    close_old_connections()


class _Deferred(ModuleType):
    """A module that is loaded when something of it is used.

    (importlib's LazyLoader loads it as soon as a second import statement looks at it.)
    """

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)
