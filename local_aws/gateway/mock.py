"""MOCK integrations: the status and the message that their templates make of a message. No I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from local_aws.gateway.mapping import DEFAULT, Values, chosen_template, render
from local_aws.model import IntegrationResponse, MockIntegration


def mock_status(integration: MockIntegration, values: Values) -> int:
    """The status code that the request template gives: 200 accepts a `$connect`. 500 where it gives none."""
    template = chosen_template(integration.request_templates, integration.template_selection, values.body)
    if template is None:
        return 200
    try:
        return int(json.loads(render(template, values))["statusCode"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return 500


def mock_body(integration: MockIntegration, values: Values) -> str:
    """What the response template makes of the message; empty without a template."""
    if not integration.responses:
        return ""
    # Only an API that tells statuses apart needs to know this one.
    lone = integration.responses.get(DEFAULT) if len(integration.responses) == 1 else None
    response = lone or chosen_response(integration.responses, mock_status(integration, values))
    return "" if response is None else response_body(response, values) or ""


def chosen_response(responses: Mapping[str, IntegrationResponse], status: int) -> IntegrationResponse | None:
    """The integration response of a status: the one whose pattern fits, else the one of `$default`."""
    for key, response in responses.items():
        if key.startswith("/") and re.fullmatch(key.strip("/"), str(status)):
            return response
    return responses.get(DEFAULT)


def response_body(response: IntegrationResponse, values: Values) -> str | None:
    """What a response's template makes of the values. None where it has no template."""
    template = chosen_template(response.templates, response.template_selection, values.body)
    return None if template is None else render(template, values)
