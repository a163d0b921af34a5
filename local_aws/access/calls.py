"""What a request asks for: which IAM actions on which resources.

https://docs.aws.amazon.com/service-authorization/latest/reference/. Where the resource can't be known from
the request it is `*`, which only a policy for all resources allows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote

from local_aws.access import s3
from local_aws.http import Request
from local_aws.roles.patterns import Context
from local_aws.signatures import Headers

_INVOKE = re.compile(r"/2015-03-31/functions/(?P<function>[^/]+)/invocations/?")
_QUALIFIED = re.compile(r"(?:.*function:|\d{12}:)?(?P<name>[A-Za-z0-9_-]+)(?::(?P<qualifier>[^:]+))?")
_STATEMENT_TABLE = re.compile(r'(?:FROM|INTO|UPDATE)\s+"?(?P<table>[^\s".]+)"?', re.IGNORECASE)
_PARTIQL = {"SELECT": "Select", "INSERT": "Insert", "UPDATE": "Update", "DELETE": "Delete"}


@dataclass(frozen=True, slots=True)
class Need:
    """An action on a resource (an ARN, or `*`). `context` is what conditions may ask about it."""

    action: str
    resource: str
    context: Context = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whose resources they are, and the ARNs of secrets by their names, which end in something random."""

    id: str
    region: str
    secrets: Mapping[str, str] = field(default_factory=dict)

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.id}:{resource}"


def needs(request: Request, headers: Headers, service: str, account: Account) -> list[Need]:
    """What a request to a service asks for. None of it for what needs no permission, or isn't known here."""
    match service:
        case "sqs":
            return _sqs(_operation(headers), _json(request.body), account)
        case "lambda":
            return _lambda(request, account)
        case "dynamodb":
            return list(_dynamodb(_operation(headers), _json(request.body), account))
        case "ssm":
            return _ssm(_operation(headers), _json(request.body), account)
        case "secretsmanager":
            return _secretsmanager(_operation(headers), _json(request.body), account)
        case "sns":
            return _sns(_form(request), account)
        case "sts":
            return _sts(_form(request))
        case "s3":
            found = s3.actions(request, headers)
            return [Need(action, resource, context) for action, resource, context in found]
    return []


def connection(api_id: str, stage: str, method: str, connection_id: str, account: Account) -> Need:
    """What a request to a connection of a WebSocket API asks for."""
    resource = account.arn("execute-api", f"{api_id}/{stage}/{method}/@connections/{connection_id}")
    return Need("execute-api:ManageConnections", resource)


def _operation(headers: Headers) -> str:
    return headers.get("x-amz-target", "").rpartition(".")[2]


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        given = json.loads(body or b"{}")
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}


def _form(request: Request) -> Mapping[str, str]:
    fields = parse_qs(f"{request.query}&{request.body.decode(errors='replace')}", keep_blank_values=True)
    return {name: values[-1] for name, values in fields.items()}


def _sqs(operation: str, given: Mapping[str, Any], account: Account) -> list[Need]:
    # A batch needs what each of its entries needs.
    action = f"sqs:{operation.removesuffix('Batch')}"
    name = given.get("QueueName") or str(given.get("QueueUrl", "")).rstrip("/").rpartition("/")[2]
    return [Need(action, account.arn("sqs", str(name)) if name else "*")]


def _lambda(request: Request, account: Account) -> list[Need]:
    match = _INVOKE.fullmatch(request.path)
    named = _QUALIFIED.fullmatch(unquote(match["function"])) if match else None
    if named is None:
        return []
    qualifier = named["qualifier"] or parse_qs(request.query).get("Qualifier", [None])[0]
    resource = f"function:{named['name']}" + (f":{qualifier}" if qualifier else "")
    return [Need("lambda:InvokeFunction", account.arn("lambda", resource))]


def _dynamodb(operation: str, given: Mapping[str, Any], account: Account) -> Iterator[Need]:
    def on(action: str, table: object, index: object = None) -> Need:
        name = str(table)
        arn = name if name.startswith("arn:") else account.arn("dynamodb", f"table/{name}")
        return Need(f"dynamodb:{action}", f"{arn}/index/{index}" if index else arn)

    match operation:
        case "BatchGetItem" | "BatchWriteItem":
            for table in _mapping(given.get("RequestItems")):
                yield on(operation, table)
        case "TransactGetItems" | "TransactWriteItems":
            for entry in _items(given.get("TransactItems")):
                for kind, item in _mapping(entry).items():
                    action = "ConditionCheckItem" if kind == "ConditionCheck" else f"{kind}Item"
                    yield on(action, _mapping(item).get("TableName"))
        case "ExecuteStatement" | "ExecuteTransaction" | "BatchExecuteStatement":
            entries = _items(given.get("TransactStatements") or given.get("Statements")) or [given]
            for entry in entries:
                statement = str(_mapping(entry).get("Statement", "")).strip()
                named = _STATEMENT_TABLE.search(statement)
                kind = _PARTIQL.get(statement.partition(" ")[0].upper(), "Select")
                yield on(f"PartiQL{kind}", named["table"]) if named else Need(f"dynamodb:PartiQL{kind}", "*")
        case _ if "TableName" in given:
            yield on(operation, given["TableName"], given.get("IndexName"))
        case _:
            arns = (given.get(name) for name in ("StreamArn", "ResourceArn", "TableArn", "BackupArn"))
            # An iterator of a stream begins with the stream's ARN.
            iterator = str(given.get("ShardIterator", "")).partition("|")[0]
            known = next((str(arn) for arn in arns if arn), iterator if iterator.startswith("arn:") else "*")
            yield Need(f"dynamodb:{operation}", known)


def _ssm(operation: str, given: Mapping[str, Any], account: Account) -> list[Need]:
    names = given.get("Names") or [given[name] for name in ("Name", "Path", "ResourceId") if name in given]
    if not names:
        return [Need(f"ssm:{operation}", "*")]
    return [Need(f"ssm:{operation}", _parameter(str(name), account)) for name in names]


def _parameter(name: str, account: Account) -> str:
    if name.startswith("arn:"):
        return name
    return account.arn("ssm", f"parameter/{name.lstrip('/').partition(':')[0]}")


def _secretsmanager(operation: str, given: Mapping[str, Any], account: Account) -> list[Need]:
    names = given.get("SecretIdList") or [given[name] for name in ("SecretId", "Name") if name in given]
    action = f"secretsmanager:{operation}"
    if operation == "BatchGetSecretValue":
        action = "secretsmanager:GetSecretValue"
    return [Need(action, _secret(str(name), account)) for name in names] or [Need(action, "*")]


def _secret(name: str, account: Account) -> str:
    known = account.secrets.get(name)
    if known is not None:
        return known
    if name.startswith("arn:"):  # perhaps without what is random at its end
        whole = (arn for arn in account.secrets.values() if arn.rpartition("-")[0] == name)
        return next(whole, name)
    return account.arn("secretsmanager", f"secret:{name}")


def _sns(given: Mapping[str, str], account: Account) -> list[Need]:
    operation = given.get("Action", "")
    action = f"sns:{operation.removesuffix('Batch')}"
    if "Name" in given and operation == "CreateTopic":
        return [Need(action, account.arn("sns", given["Name"]))]
    arns = (given.get(name) for name in ("TopicArn", "TargetArn", "ResourceArn", "SubscriptionArn"))
    return [Need(action, next((arn for arn in arns if arn), "*"))]


def _sts(given: Mapping[str, str]) -> list[Need]:
    operation = given.get("Action", "")
    if operation == "GetCallerIdentity":  # nobody can be denied that
        return []
    return [Need(f"sts:{operation}", given.get("RoleArn", "*"))]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _items(value: object) -> Iterable[Any]:
    return value if isinstance(value, list) else []
