"""The one exception that ends a command with a sentence instead of a traceback."""


class Failure(Exception):
    """Something a person can mend. Its text says what happened and what to do next."""
