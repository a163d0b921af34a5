"""Filters of mappings on queues, as Lambda reads them."""

import pytest

from local_aws.queues.filters import passes

FIELDS = {"body": {"kind": ["a"]}}
TEXT = {"body": [{"prefix": "Result: "}]}


@pytest.mark.parametrize(
    ("patterns", "body", "passed"),
    [
        ([], "anything", True),
        ([FIELDS], '{"kind": "a", "more": 1}', True),
        ([FIELDS], '{"kind": "b"}', False),
        ([FIELDS], "no json", False),
        ([FIELDS], '["a"]', False),
        ([FIELDS, TEXT], "Result: 7", True),
        ([TEXT], "Other: 7", False),
        ([TEXT], '{"kind": "a"}', False),
        ([{"messageAttributes": {"x": ["y"]}}], "only the body is looked at", True),
    ],
)
def test_a_message_passes_or_doesnt(patterns, body, passed):
    assert passes(patterns, body) is passed
