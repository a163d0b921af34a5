"""What a person who synthesises can mend."""


class Failure(Exception):
    """Synthesis can't go on. The text says what happened and what to do."""
