"""What MOCK integrations make of their templates."""

import pytest

from local_aws.gateway.templates import mock_body, mock_status, render
from local_aws.model import MockIntegration

CONTEXT = {"connectionId": "L0SM9cOFvHcCIhw=", "identity": {"sourceIp": "203.0.113.7"}}


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ('{"type":"pong"}', '{"type":"pong"}'),
        ("$context.connectionId", "L0SM9cOFvHcCIhw="),
        ("from $context.identity.sourceIp.", "from 203.0.113.7."),
        ("${context.connectionId}!", "L0SM9cOFvHcCIhw=!"),
        ("$context.nothing", ""),
        ("$input.body", '{"a":"x\\"y","n":[1,2]}'),
        ("$input.json('$.n')", "[1, 2]"),
        ("$input.json('$.a')", '"x\\"y"'),
        ("$input.path('$.a')", 'x"y'),
        ("$input.path('$.n[1]')", "2"),
        ("$input.json('$.missing')", ""),
        ("\"$util.escapeJavaScript($input.path('$.a'))\"", '"x\\"y"'),
        ("$5 and $unknown.thing", "$5 and $unknown.thing"),
    ],
)
def test_references_are_filled_in(template, filled):
    assert render(template, '{"a":"x\\"y","n":[1,2]}', CONTEXT) == filled


def test_what_a_message_puts_in_is_not_looked_at_again():
    assert render("$input.body", "$context.connectionId", CONTEXT) == "$context.connectionId"


@pytest.mark.parametrize("body", ["", "no json", "[" * 100_000])
def test_a_message_that_is_no_json_fills_in_nothing(body):
    assert render("<$input.path('$.a')>", body, CONTEXT) == "<>"


@pytest.mark.parametrize(
    ("template", "status"),
    [
        ('{"statusCode":200}', 200),
        ('{"statusCode": "403"}', 403),
        ("{}", 500),
        ("nonsense", 500),
        ("null", 500),
    ],
)
def test_the_request_template_gives_the_status(template, status):
    assert mock_status(MockIntegration(request_templates={"$default": template}), "", CONTEXT) == status


def test_a_template_is_selected_by_the_message():
    integration = MockIntegration(
        response_templates={"a": "A", "$default": "D"}, template_selection="$request.body.kind"
    )

    assert mock_body(integration, '{"kind":"a"}', CONTEXT) == "A"
    assert mock_body(integration, '{"kind":"b"}', CONTEXT) == "D"


def test_without_a_selection_expression_the_only_template_answers():
    assert mock_body(MockIntegration(response_templates={"pong": "P"}), "{}", CONTEXT) == "P"
    assert mock_body(MockIntegration(), "{}", CONTEXT) == ""
