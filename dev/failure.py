"""The one exception that ends a command with a sentence instead of a traceback."""


class Failure(Exception):
    """Something a person can mend. Its text says what happened and what to do next.

    `printed` is what a program that failed has printed itself.
    """

    def __init__(self, sentence: str, *, printed: str = "") -> None:
        super().__init__(sentence)
        self.printed = printed
