"""Keeps the services' data over a restart, as far as moto itself doesn't.

Written every few seconds while something changes, and at the end.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from pathlib import Path

from local_aws.services.creation import Creation, CreationFailed
from local_aws.services.kept import Items, Kept, Objects
from local_aws.services.kept_values import Parameters, Secrets, Values

_SECONDS_BETWEEN = 5.0
# What writing takes is at most this part of the time.
_SHARE = 0.05


class State:
    """The data of one stack's services, in `folder`."""

    def __init__(self, folder: Path, creation: Creation) -> None:
        self._folder = folder
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._kept: dict[str, Kept] = {
            "dynamodb": Items(folder, creation, self._locks["dynamodb"]),
            "s3": Objects(folder, creation),
            "secretsmanager": Values(folder / "secrets.json", Secrets(creation)),
            "ssm": Values(folder / "parameters.json", Parameters(creation)),
        }
        self._changed: set[str] = set()
        self._writing = threading.Lock()

    def lock(self, service: str) -> threading.Lock:
        """What a request to a service holds: moto looks first and writes then, so two could both win."""
        return self._locks[service]

    def restore(self, service: str) -> None:
        """Put what is kept into a service that was just made."""
        try:
            if service in self._kept:
                self._kept[service].restore()
        except Exception as error:
            raise CreationFailed(
                f"What was kept of {service} in {self._folder} can't be put back ({error}): remove it to "
                "begin anew."
            ) from error

    def note(self, service: str, method: str, operation: str) -> None:
        """Look at a request that was answered: it may have changed something."""
        if service in self._kept and self._kept[service].is_change(method, operation):
            self._changed.add(service)

    def keep_writing(self) -> None:
        """Write what has changed, now and then, for ever."""
        while True:
            time.sleep(_SECONDS_BETWEEN)
            started = time.monotonic()
            self.write()
            time.sleep((time.monotonic() - started) / _SHARE)

    def write(self) -> None:
        """Write what has changed."""
        with self._writing:
            for service in tuple(self._changed):
                self._changed.discard(service)
                try:
                    self._kept[service].write()
                except Exception as error:  # something went away while it was being read, or the disk is full
                    print(f"What {service} holds isn't written: {error}", flush=True)
                    self._changed.add(service)
