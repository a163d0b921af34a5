"""What mapping templates and expressions make of a message."""

import pytest

from local_aws.gateway.mapping import Values, directives, expression, render

VALUES = Values(
    body='{"a":"x\\"y","n":[1,{"b":2}],"and":"a&b=c d"}',
    context={"connectionId": "L0SM9cOFvHcCIhw=", "identity": {"sourceIp": "203.0.113.7"}},
    variables={"table": "orders"},
    headers={"Authorization": "Bearer 1", "X-Empty": ""},
    query={"token": "t"},
)


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ('{"type":"pong"}', '{"type":"pong"}'),
        ("$context.connectionId", "L0SM9cOFvHcCIhw="),
        ("from $context.identity.sourceIp.", "from 203.0.113.7."),
        ("${context.connectionId}!", "L0SM9cOFvHcCIhw=!"),
        ("$context.nothing", ""),
        ("$context.identity.sourceIp.nothing", ""),
        ("$stageVariables.table/${stageVariables.table}s", "orders/orderss"),
        ("$input.body", VALUES.body),
        ("$input.json('$.n')", '[1, {"b": 2}]'),
        ("$input.json('$.a')", '"x\\"y"'),
        ('$input.path("$.a")', 'x"y'),
        ("$input.path('$.n[1].b')", "2"),
        ("$input.path('$.n[7]')", ""),
        ("$input.path('$[\\'n\\']')", "$input.path('$[\\'n\\']')"),
        ("$input.path(\"$['and']\")", "$input.path(\"$['and']\")"),
        ("$input.json('$.missing')", ""),
        ("\"$util.escapeJavaScript($input.path('$.a'))\"", '"x\\"y"'),
        ("q=$util.urlEncode($input.path('$.and'))", "q=a%26b%3Dc+d"),
        ("$util.urlDecode('a%26b')", "a&b"),
        ('$util.urlEncode("$context.connectionId&")', "L0SM9cOFvHcCIhw%3D%26"),
        ("$util.base64Encode( $stageVariables.table )", "b3JkZXJz"),
        ("$util.base64Decode($util.base64Encode($stageVariables.table))", "orders"),
        ("$util.base64Decode('?')", ""),
        ("$util.parseJson($input.body)", f"$util.parseJson({VALUES.body})"),
        ("$5 and $unknown.thing and $", "$5 and $unknown.thing and $"),
        ("${context.connectionId", "${context.connectionId"),
    ],
)
def test_references_are_filled_in(template, filled):
    if template.startswith("$util.parseJson") or template == "${context.connectionId":
        # What isn't understood stays, and what is in it is filled in.
        filled = template.replace("$input.body", VALUES.body)
    assert render(template, VALUES) == filled


def test_what_a_message_puts_in_is_not_looked_at_again():
    assert render("$input.body", Values("$context.connectionId", VALUES.context)) == "$context.connectionId"


@pytest.mark.parametrize("body", ["", "no json", "[" * 100_000])
def test_a_message_that_is_no_json_fills_in_nothing(body):
    assert render("<$input.path('$.a')>", Values(body)) == "<>"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'application/x-www-form-urlencoded'", "application/x-www-form-urlencoded"),
        ("context.connectionId", "L0SM9cOFvHcCIhw="),
        ("stageVariables.table", "orders"),
        ("stageVariables.nothing", None),
        ("route.request.header.authorization", "Bearer 1"),
        ("route.request.header.Cookie", None),
        ("route.request.querystring.token", "t"),
        ("$request.querystring.token", "t"),
        ("$request.header.Authorization", "Bearer 1"),
        ("route.request.body.n[0]", "1"),
        ("route.request.body", VALUES.body),
        ("nonsense", None),
    ],
)
def test_expressions_name_parts_of_a_request(text, value):
    assert expression(text, VALUES) == value


def test_directives_are_found_so_that_they_can_be_told_of():
    assert directives('#set($a = 1)#if($a)"#channel"#end') == ["#end", "#if", "#set"]
