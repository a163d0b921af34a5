"""What MOCK integrations make of their templates."""

import pytest

from local_aws.gateway.mapping import Values
from local_aws.gateway.mock import mock_body, mock_status
from local_aws.model import IntegrationResponse, MockIntegration


def responding(templates, selection=None, key="$default"):
    return {key: IntegrationResponse(templates=templates, template_selection=selection)}


@pytest.mark.parametrize(
    ("template", "status"),
    [
        ('{"statusCode":200}', 200),
        ('{"statusCode": "403"}', 403),
        ("{\"statusCode\": $input.path('$.status')}", 404),
        ("{}", 500),
        ("nonsense", 500),
        ("null", 500),
    ],
)
def test_the_request_template_gives_the_status(template, status):
    integration = MockIntegration(request_templates={"$default": template})

    assert mock_status(integration, Values('{"status":404}')) == status


def test_a_template_is_selected_by_the_message():
    responses = responding({"a": "A", "$default": "D"}, "$request.body.kind")
    integration = MockIntegration(responses=responses)

    assert mock_body(integration, Values('{"kind":"a"}')) == "A"
    assert mock_body(integration, Values('{"kind":"b"}')) == "D"


@pytest.mark.parametrize(
    ("status", "body"), [(200, "fine"), (204, "fine"), (404, "missing"), (503, "else"), ('"x"', "else")]
)
def test_the_status_selects_the_response_by_its_pattern(status, body):
    integration = MockIntegration(
        request_templates={"$default": "{\"statusCode\": $input.json('$.status')}"},
        responses={
            **responding({"$default": "else"}),
            **responding({"$default": "fine"}, key="/2\\d\\d/"),
            **responding({"$default": "missing"}, key="/404/"),
        },
    )

    assert mock_body(integration, Values(f'{{"status":{status}}}')) == body


def test_a_status_without_a_response_answers_nothing():
    integration = MockIntegration(
        request_templates={"$default": '{"statusCode":500}'}, responses=responding({"x": "x"}, key="/200/")
    )

    assert mock_body(integration, Values("{}")) == ""


def test_without_a_selection_expression_the_only_template_answers():
    assert mock_body(MockIntegration(responses=responding({"pong": "P"})), Values("{}")) == "P"
    assert mock_body(MockIntegration(), Values("{}")) == ""
