"""Who asked the APIs for what: one line of JSON for each request, kept for as long as the functions' logs."""

from __future__ import annotations

import json

from aws_cdk import RemovalPolicy
from aws_cdk import aws_apigateway as rest
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.configuration import Configuration

# No query string and no body: they hold tokens and what people write.
_ALWAYS = {
    "time": "requestTime",
    "request": "requestId",
    "address": "identity.sourceIp",
    "status": "status",
    "error": "error.message",
    "integration_error": "integrationErrorMessage",
    "integration_ms": "integrationLatency",
}


class ApiAccessLogs(Construct):
    """The log groups, and the role that lets API Gateway write to them.

    The role belongs to the account and region as a whole, so it stays when the stack goes.
    """

    def __init__(self, scope: Construct, construct_id: str, *, configuration: Configuration) -> None:
        super().__init__(scope, construct_id)
        self._configuration = configuration
        if configuration.api_logging_role:
            role = iam.Role(
                self,
                "Role",
                assumed_by=iam.ServicePrincipal("apigateway.amazonaws.com"),
                description="API Gateway writes access logs",
                managed_policies=[
                    iam.ManagedPolicy.from_aws_managed_policy_name(
                        "service-role/AmazonAPIGatewayPushToCloudWatchLogs"
                    )
                ],
            )
            role.apply_removal_policy(RemovalPolicy.RETAIN)
            account = rest.CfnAccount(self, "Account", cloud_watch_role_arn=role.role_arn)
            account.apply_removal_policy(RemovalPolicy.RETAIN)

    def of_stage(self, name: str, **fields: str) -> apigateway.CfnStage.AccessLogSettingsProperty:
        """Log a stage's requests, with `fields` of the request's context besides those that all have."""
        group = logs.LogGroup(
            self,
            name,
            log_group_name=f"/aws/apigateway/{self._configuration.prefix}-{name.lower()}",
            retention=self._configuration.log_retention,
            removal_policy=RemovalPolicy.DESTROY,
        )
        line = {shown: f"$context.{field}" for shown, field in {**fields, **_ALWAYS}.items()}
        return apigateway.CfnStage.AccessLogSettingsProperty(
            destination_arn=group.log_group_arn, format=json.dumps(line)
        )
