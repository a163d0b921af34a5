"""Structured log lines, as the terminal shows them."""

import json

import pytest

from local_aws.readable import readable


def a_record(**changes: object) -> bytes:
    record = {"timestamp": "2026-11-25T10:00:00Z", "level": "INFO", "message": "Hello", "requestId": "7f"}
    return json.dumps(record | changes).encode() + b"\n"


def test_a_record_is_its_level_and_message() -> None:
    assert readable(a_record()) == b"INFO    Hello\n"


def test_a_failure_comes_with_its_trace_and_the_request() -> None:
    line = a_record(
        level="ERROR", errorType="ValueError", errorMessage="no", stackTrace=['  File "a.py", line 1\n']
    )
    assert readable(line) == b'ERROR   Hello\n  File "a.py", line 1\nValueError: no\nrequest 7f\n'


def test_what_a_function_let_through_comes_with_its_trace_too() -> None:
    """awslambdaric writes no message then."""
    record = {"level": "ERROR", "requestId": "7f", "errorType": "KeyError", "errorMessage": "'a'"}
    line = json.dumps(record | {"stackTrace": ['  File "a.py", line 1\n']}).encode()
    assert readable(line) == (
        b"ERROR   Unhandled exception\n  File \"a.py\", line 1\nKeyError: 'a'\nrequest 7f\n"
    )


@pytest.mark.parametrize(
    "line",
    [
        b"plain text\n",
        b"{not json\n",
        b"[1]\n",
        b'{"level": "INFO"}\n',
        b'{"type":"platform.start"}\n',
        b"\n",
    ],
)
def test_other_lines_stay_as_they_are(line: bytes) -> None:
    assert readable(line) == line


def test_a_message_that_is_no_text_is_shown_all_the_same() -> None:
    assert readable(a_record(message={"a": 1})) == b"INFO    {'a': 1}\n"
