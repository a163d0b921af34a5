"""One Python function: its role, with the statements that running takes, and its log group."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.network import Network

# What the Lambda service does with a function's role to put it into a VPC. EC2 knows no narrower resource:
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
ATTACH = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
]


class PythonFunction(Construct):
    """A function named `name`, whose handler is the module of its construct's name in lower case.

    Its role can write to its own log group, attach to the network if it is given one, and what is granted to
    `function`. (AWS's managed policies for both would let it write to every log group.)
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        code: lambda_.Code,
        timeout: Duration,
        memory_mib: int,
        environment: Mapping[str, str],
        log_retention: logs.RetentionDays,
        concurrency: int | None = None,
        network: Network | None = None,
        snap_start: bool = False,
    ) -> None:
        super().__init__(scope, construct_id)
        log_group = logs.LogGroup(
            self,
            "Logs",
            log_group_name=f"/aws/lambda/{name}",
            retention=log_retention,
            removal_policy=RemovalPolicy.DESTROY,
        )
        statements = [
            iam.PolicyStatement(
                actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[log_group.log_group_arn]
            )
        ]
        if network:
            statements.append(iam.PolicyStatement(actions=ATTACH, resources=["*"]))
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"What {name} may do",
            # In the role itself: a function is made only once they hold, or attaching it would fail.
            inline_policies={"Run": iam.PolicyDocument(statements=statements)},
        )
        self.function = function = lambda_.Function(
            self,
            "Function",
            function_name=name,
            role=role,
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            code=code,
            handler=f"lambda_handlers.{construct_id.lower()}.handler",
            timeout=timeout,
            memory_size=memory_mib,
            reserved_concurrent_executions=concurrency,
            environment=dict(environment),
            vpc=network.vpc if network else None,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED) if network else None,
            security_groups=[network.functions_group] if network else None,
            snap_start=lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS if snap_start else None,
            logging_format=lambda_.LoggingFormat.JSON,
            application_log_level_v2=lambda_.ApplicationLogLevel.INFO,
            # Without the three lines of each invocation, which cost more than the invocation.
            system_log_level_v2=lambda_.SystemLogLevel.WARN,
            log_group=log_group,
        )
        self.entry: lambda_.IFunction = function
        """What events are sent to: only published versions have a snapshot."""
        if snap_start:
            self.entry = lambda_.Alias(self, "Live", alias_name="live", version=function.current_version)
