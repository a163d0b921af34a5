"""What goes wrong for the person who starts the stack, as one sentence that says what to do."""


class StackError(Exception):
    """A start that can't go on. Its text is shown to a person as it is, without a traceback."""
