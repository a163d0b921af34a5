"""Which route a message takes."""

import pytest

from local_aws.gateway.routes import choose, selector
from tests.local_aws.gateway.running import api_with, route

ACTION = "$request.body.action"


@pytest.mark.parametrize(
    ("expression", "body", "key"),
    [
        (ACTION, '{"action":"chat_message"}', "chat_message"),
        (ACTION, '{"action":"a","action":"b"}', "b"),
        (ACTION, '{"action":7}', "7"),
        (ACTION, '{"action":true}', "true"),
        (ACTION, '{"action":["a"]}', '["a"]'),
        (ACTION, '{"action":{"a":1}}', '{"a":1}'),
        (ACTION, '{"action":null}', ""),
        (ACTION, "{}", ""),
        (ACTION, '[2,"x"]', ""),
        (ACTION, "5", ""),
        ("$request.body.service.do", '{"service":{"do":"x"}}', "x"),
        ("$request.body.service.do", '{"service":"x"}', ""),
        ("${request.body.a}/${request.body.b}", '{"a":"x","b":1}', "x/1"),
        ("$request.body.list[1]", '{"list":["a","b"]}', "b"),
        ("$request.body.list[5]", '{"list":["a","b"]}', ""),
        (r"\$default", '{"action":"a"}', "$default"),
    ],
)
def test_the_selection_expression_becomes_a_key(expression, body, key):
    assert selector(expression)(body) == key


@pytest.mark.parametrize(
    "body", ["", "hi", "{", "{action: 1}", "[" * 100_000, '{"action":' + "9" * 5_000 + "}"]
)
def test_what_is_no_json_has_no_key(body):
    assert selector(ACTION)(body) is None


@pytest.mark.parametrize(
    ("body", "chosen"),
    [
        ('{"action":"ping"}', "ping"),
        ('{"action":"pin"}', "$default"),
        ('{"action":["ping"]}', "$default"),
        ("no json", "$default"),
        ("", "$default"),
        ('{"action":"$default"}', "$default"),
        ('{"action":"$connect"}', "$default"),
        ('{"action":"$disconnect"}', "$default"),
    ],
)
def test_a_message_takes_its_route_or_the_default(body, chosen):
    found = choose(api_with(route("ping"), route("$default")), body)

    assert found is not None
    assert found.key == chosen


@pytest.mark.parametrize("body", ['{"action":"other"}', '{"action":"$connect"}', "no json"])
def test_without_a_default_there_may_be_no_route(body):
    assert choose(api_with(route("ping")), body) is None
