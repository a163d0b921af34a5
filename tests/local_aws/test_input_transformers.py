"""What a rule makes of its event for a target."""

import json

import pytest

from local_aws.input_transformers import at_path, transformed
from local_aws.model import InputTransformer

EVENT = {"source": "aws.events", "detail": {"id": 7, "name": 'a "b"', "list": [1, {"x": 2}], "a-b": None}}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$", EVENT),
        ("$.source", "aws.events"),
        ("$.detail.list[1].x", 2),
        ("$.detail['name']", 'a "b"'),
        ("$.detail.a-b", None),
        ("$.detail.none.deeper", None),
        ("$.detail.list[9]", None),
        ("$.detail.list.x", None),
    ],
)
def test_a_path_leads_to_a_part(path, value):
    assert at_path(path, EVENT) == value


def test_values_go_into_the_template_as_json_and_into_strings_as_text():
    paths = {"id": "$.detail.id", "name": "$.detail.name", "list": "$.detail.list", "no": "$.detail.no"}
    template = '{"id": <id>, "text": "<name> is <id>", "name": <name>, "all": <list>, "no": <no>, "x": <y>}'

    made = transformed(InputTransformer(template=template.replace("<y>", '"<y>"'), paths=paths), EVENT, {})

    assert json.loads(made) == {
        "id": 7,
        "text": 'a "b" is 7',
        "name": 'a "b"',
        "all": [1, {"x": 2}],
        "no": "",
        "x": "<y>",
    }


def test_a_template_may_be_one_string_and_reserved_variables_are_known():
    transformer = InputTransformer(template='"<aws.events.rule-name>: <s>"', paths={"s": "$.source"})

    made = transformed(transformer, EVENT, {"aws.events.rule-name": "nightly"})

    assert json.loads(made) == "nightly: aws.events"
