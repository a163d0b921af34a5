"""What goes wrong where a template's value is resolved, before it is known whose value it is."""

from __future__ import annotations


class Unresolved(Exception):
    """A value that can't be resolved. `path` leads to it within what is being resolved.

    Whoever knows the resource makes a `StackError` of it, with `at`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path: list[str] = []

    def at(self, *places: str) -> str:
        """The sentence for a person: where, and what is wrong there."""
        path = ".".join(self.path).replace(".[", "[")
        return f"{', '.join(filter(None, (*places, path)))}: {self.reason}."
