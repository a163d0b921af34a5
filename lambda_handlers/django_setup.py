"""What every function that runs Django does once for each environment, and at the start of each event."""

import importlib.util
import logging
import sys

import django
from django.db import close_old_connections


def set_up() -> None:
    """Set Django up, and let its log lines through to the runtime's handler, which adds the request's id."""
    _defer("boto3")
    logging.getLogger().setLevel(logging.INFO)
    django.setup(set_prefix=False)


def check_connections() -> None:
    """Before an event: close a database connection that broke while the environment was frozen."""
    close_old_connections()


def _defer(name: str) -> None:
    """Have a module loaded when it is first used. The websockets library imports boto3 and nothing here uses it."""
    if name in sys.modules or (spec := importlib.util.find_spec(name)) is None or spec.loader is None:
        return
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
