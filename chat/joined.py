"""Instances of several models from one row of one statement, without the ORM building it anew each time."""

from collections.abc import Sequence
from typing import Any

from django.db import DEFAULT_DB_ALIAS, models


class Joined:
    """Columns of several tables, and the instances that a row of them makes.

    Each part is an alias in the statement, a model, and the columns to load besides `id`. Others would be
    read from the database if something asked for them.
    """

    def __init__(self, *parts: tuple[str, type[models.Model], set[str]]) -> None:
        # `Model.from_db` expects values in the order of the model's fields.
        self._parts = [
            (alias, model, [f.attname for f in model._meta.concrete_fields if f.attname in {"id", *names}])
            for alias, model, names in parts
        ]
        self.columns = ", ".join(f"{alias}.{name}" for alias, _, names in self._parts for name in names)

    def instances(self, row: Sequence[Any]) -> list[Any]:
        """An instance for each part, None where an outer join found nothing."""
        instances: list[Any] = []
        start = 0
        for _, model, names in self._parts:
            values = row[start : start + len(names)]
            start += len(names)
            instances.append(None if values[0] is None else model.from_db(DEFAULT_DB_ALIAS, names, values))
        return instances
