"""What an environment that starts from a snapshot must do again: all of them begin with the same memory.

https://docs.aws.amazon.com/lambda/latest/dg/snapstart-uniqueness.html
"""

import os
import random
import ssl

from django.db import connections
from snapshot_restore_py import register_after_restore, register_before_snapshot

from delivery.credentials import forget_credentials


def register() -> None:
    """Have the runtime do it. Without a snapshot nothing of this ever runs."""
    register_before_snapshot(before_snapshot)
    register_after_restore(after_restore)


def before_snapshot() -> None:
    """Leave nothing in the snapshot that is of one environment alone."""
    connections.close_all()
    forget_credentials()


def after_restore() -> None:
    """Become different from the others that start from the same snapshot."""
    # The operating system's own source is new by now; these were seeded from it before the snapshot.
    random.seed()
    ssl.RAND_add(os.urandom(32), 32.0)
    # Whatever was kept open is gone, and what was signed with has expired.
    connections.close_all()
    forget_credentials()
