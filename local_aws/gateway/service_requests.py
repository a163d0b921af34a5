"""AWS integrations: the request that a message becomes at a service, and what its answer becomes. No I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from local_aws.gateway.mapping import Values, chosen_template, expression, render
from local_aws.gateway.mock import chosen_response, response_body
from local_aws.http import Request, Response
from local_aws.model import ServiceIntegration

# What an action is called at the services that speak JSON.
_TARGETS = {
    "dynamodb": ("DynamoDB_20120810", "application/x-amz-json-1.0"),
    "events": ("AWSEvents", "application/x-amz-json-1.1"),
    "kinesis": ("Kinesis_20131202", "application/x-amz-json-1.1"),
    "secretsmanager": ("secretsmanager", "application/x-amz-json-1.1"),
    "sqs": ("AmazonSQS", "application/x-amz-json-1.0"),
    "ssm": ("AmazonSSM", "application/x-amz-json-1.1"),
    "states": ("AWSStepFunctions", "application/x-amz-json-1.0"),
}
_INVOCATION = re.compile(
    r"path/2015-03-31/functions/(?:arn:[^/]*:function:)?(?P<name>[A-Za-z0-9_-]+)(?::[^/]+)?/invocations"
)
_FORM = "application/x-www-form-urlencoded"
_ATTRIBUTE = re.compile(r"MessageAttribute\.(\d+)\.(Name|Value\.(?:StringValue|BinaryValue|DataType))")


class NoRequest(Exception):
    """The message can't become a request: no template fits it, and it isn't passed through."""


def service_request(integration: ServiceIntegration, values: Values, *, region: str) -> Request:
    """The request, unsigned. Raises `NoRequest`."""
    body = _body(integration, values)
    headers = {"content-type": "application/json", "accept": "application/json"}
    headers |= {name.lower(): value for name, value in _mapped(integration.headers, values)}
    query = dict(_mapped(integration.query, values))
    kind, _, rest = integration.path.partition("/")
    path = "/" + (rest if kind == "path" else "")
    if kind == "action":
        if known := _TARGETS.get(integration.service):
            headers |= {"x-amz-target": f"{known[0]}.{rest}", "content-type": known[1]}
        else:
            query.setdefault("Action", rest)
    if integration.service == "sqs" and headers["content-type"].startswith(_FORM):
        # SQS runs here with its JSON protocol only.
        target, body = _json_protocol(path, dict(parse_qsl(body, keep_blank_values=True)) | query)
        query, path = {}, "/"
        headers |= {"x-amz-target": target, "content-type": "application/x-amz-json-1.0"}
    encoded = urlencode(query)
    return Request(
        method=integration.method,
        target=f"{path}?{encoded}" if encoded else path,
        path=path,
        query=encoded,
        headers=[("host", f"{integration.service}.{region}.amazonaws.com"), *headers.items()],
        body=body.encode("utf-8", "replace"),
        peer="127.0.0.1",
    )


def invoked_function(integration: ServiceIntegration) -> str | None:
    """The function that an integration with Lambda itself invokes, by its name."""
    match = _INVOCATION.fullmatch(integration.path) if integration.service == "lambda" else None
    return None if match is None else match["name"]


def message_of(integration: ServiceIntegration, response: Response, values: Values) -> bytes:
    """What a route response sends of a service's answer: its body, or what a template makes of that."""
    body = _in_query_protocol(integration, response)
    chosen = chosen_response(integration.responses, response.status)
    if chosen is None:
        return body
    of_answer = Values(body.decode("utf-8", "replace"), values.context, values.variables)
    made = response_body(chosen, of_answer)
    return body if made is None else made.encode("utf-8", "replace")


def _body(integration: ServiceIntegration, values: Values) -> str:
    template = chosen_template(integration.request_templates, integration.template_selection, values.body)
    if template is not None:
        return render(template, values)
    if integration.passes_through:
        return values.body
    raise NoRequest("no request template fits the message")


def _mapped(expressions: Mapping[str, str], values: Values) -> Iterator[tuple[str, str]]:
    for name, text in expressions.items():
        if (value := expression(text, values)) is not None:
            yield name, value


def _json_protocol(path: str, parameters: Mapping[str, str]) -> tuple[str, str]:
    """An SQS request in the query protocol as target and body of the JSON protocol."""
    given = {name: value for name, value in parameters.items() if name not in ("Action", "Version", "action")}
    attributes: dict[str, dict[str, str]] = {}
    for name in list(given):
        if match := _ATTRIBUTE.fullmatch(name):
            attributes.setdefault(match[1], {})[match[2].removeprefix("Value.")] = given.pop(name)
    request: dict[str, Any] = {"QueueUrl": path, **given}
    if attributes:
        request["MessageAttributes"] = {each.pop("Name", ""): each for each in attributes.values()}
    for number in ("DelaySeconds", "MaxNumberOfMessages", "VisibilityTimeout", "WaitTimeSeconds"):
        if (value := given.get(number)) is not None and value.isascii() and value.isdigit():
            request[number] = int(value)
    action = parameters.get("Action") or parameters.get("action") or ""
    return f"AmazonSQS.{action}", json.dumps(request)


def _in_query_protocol(integration: ServiceIntegration, response: Response) -> bytes:
    """The body as SQS answers the query protocol with `Accept: application/json`."""
    types = (value for name, value in integration.headers.items() if name.lower() == "content-type")
    if integration.service != "sqs" or response.status != 200 or not any(_FORM in each for each in types):
        return response.body
    action = _action(integration)
    try:
        result = json.loads(response.body or b"{}")
    except ValueError:
        return response.body
    return json.dumps({f"{action}Response": {f"{action}Result": result}}, separators=(",", ":")).encode()


def _action(integration: ServiceIntegration) -> str:
    for template in integration.request_templates.values():
        if match := re.match(r"(?:.*&)?Action=(\w+)", template.strip(), re.DOTALL):
            return match[1]
    return "SendMessage"
