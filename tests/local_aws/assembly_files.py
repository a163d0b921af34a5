"""Assemblies as `cdk synth` writes them, made of the resources that a test gives."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local_aws.assembly import Site, read
from local_aws.model import Assembly
from local_aws.secrets_file import SecretsFile

Resources = Mapping[str, Mapping[str, Any]]


def write_assembly(
    folder: Path, stacks: Mapping[str, Mapping[str, Any]], assets: Mapping[str, tuple[str, str]] | None = None
) -> Path:
    """Write stacks (templates by name) and assets (path and packaging by object key)."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        key: {"source": {"path": path, "packaging": packaging}, "destinations": {"here": {"objectKey": key}}}
        for key, (path, packaging) in (assets or {}).items()
    }
    (folder / "all.assets.json").write_text(json.dumps({"files": files}))
    artifacts: dict[str, Any] = {
        "all.assets": {"type": "cdk:asset-manifest", "properties": {"file": "all.assets.json"}}
    }
    for name, template in stacks.items():
        (folder / f"{name}.template.json").write_text(json.dumps(template))
        artifacts[name] = {
            "type": "aws:cloudformation:stack",
            "environment": "aws://unknown-account/unknown-region",
            "properties": {"templateFile": f"{name}.template.json"},
        }
    (folder / "manifest.json").write_text(json.dumps({"version": "55.0.0", "artifacts": artifacts}))
    return folder


def function(source: str = "def handler(event, context): return event", **properties: Any) -> dict[str, Any]:
    """A function with inline code."""
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {"Code": {"ZipFile": source}, "Handler": "index.handler", "Runtime": "python3.13"}
        | properties,
    }


def websocket_api(
    function: str, routes: list[str], *, stage: str = "prod", answers: bool = True
) -> Resources:
    """A WebSocket API all of whose routes run one function."""
    uri = [
        "",
        ["arn:aws:apigateway:us-east-1:lambda:path/x/", {"Fn::GetAtt": [function, "Arn"]}, "/invocations"],
    ]
    selection = {"RouteResponseSelectionExpression": "$default"} if answers else {}
    resources: dict[str, Any] = {
        "Api": {
            "Type": "AWS::ApiGatewayV2::Api",
            "Properties": {"Name": "sockets", "ProtocolType": "WEBSOCKET"},
        },
        "Stage": {
            "Type": "AWS::ApiGatewayV2::Stage",
            "Properties": {"ApiId": {"Ref": "Api"}, "StageName": stage},
        },
        "Integration": {
            "Type": "AWS::ApiGatewayV2::Integration",
            "Properties": {
                "ApiId": {"Ref": "Api"},
                "IntegrationType": "AWS_PROXY",
                "IntegrationUri": {"Fn::Join": uri},
            },
        },
        "Permission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": {"Fn::GetAtt": [function, "Arn"]},
                "Principal": "apigateway.amazonaws.com",
            },
        },
    }
    for number, key in enumerate(routes):
        resources[f"Route{number}"] = {
            "Type": "AWS::ApiGatewayV2::Route",
            "Properties": {
                "ApiId": {"Ref": "Api"},
                "RouteKey": key,
                "Target": {"Fn::Join": ["/", ["integrations", {"Ref": "Integration"}]]},
                **selection,
            },
        }
        if answers:
            resources[f"Response{number}"] = {
                "Type": "AWS::ApiGatewayV2::RouteResponse",
                "Properties": {
                    "ApiId": {"Ref": "Api"},
                    "RouteId": {"Ref": f"Route{number}"},
                    "RouteResponseKey": "$default",
                },
            }
    return resources


def site(tmp_path: Path, **options: Any) -> Site:
    """A machine whose edge is at port 8000."""
    tmp_path.mkdir(parents=True, exist_ok=True)
    defaults: dict[str, Any] = {
        "port": 8000,
        "endpoint_port": 8001,
        "database_port": 5432,
        "secrets": SecretsFile(tmp_path / "secrets.json"),
        "workspace": tmp_path / "code",
    }
    return Site(**defaults | options)


def read_resources(tmp_path: Path, resources: Resources, **template: Any) -> Assembly:
    """The assembly of one stack."""
    folder = write_assembly(tmp_path / "cdk.out", {"stack": {"Resources": resources, **template}})
    return read(folder, site(tmp_path))
