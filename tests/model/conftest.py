"""The model on the same database and queue as the chat's tests."""

from tests.chat.conftest import (  # noqa: F401 (fixtures)
    alice,
    aws,
    bob,
    carol,
    chat_is_new,
    guest,
    queue,
    sqs,
)
