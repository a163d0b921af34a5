"""What cdk-nag's AwsSolutions rules find and is meant so, each with its reason. Else synthesis fails."""

from __future__ import annotations

from collections.abc import Iterator

from aws_cdk import Acknowledgment, Stack, Validations
from cdk_nag import AwsSolutionsChecks
from constructs import Construct

from infra.app_stack import AppStack
from infra.configuration import Configuration
from infra.data import DataStack

_DATABASE = "Database"
_EDGE = "Web/Distribution"
_UPLOADER = "Custom::CDKBucketDeployment8693BB64968944B69AAFB0CC9EB8756C256MiB"
_WHAT_IT_IS = "the CDK's own function that uploads the site during a deployment, and nothing else"
_BUCKETS = (
    "arn:<AWS::Partition>:s3:::cdk-hnb659fds-assets-<AWS::AccountId>-<AWS::Region>",
    "<WebSiteD504717C.Arn>",
)
_CONNECTIONS = (
    "IAM5[Resource::arn:<AWS::Partition>:execute-api:<AWS::Region>:<AWS::AccountId>:<WebSocketApi273F6915>"
    "/ws/{method}/@connections/*]"
)
_SERVICE_ROLE = "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/"


def check(app: Construct) -> None:
    """Have the rules run at synthesis, which fails where they find what isn't acknowledged."""
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))


def acknowledge(configuration: Configuration, data_stack: DataStack, app_stack: AppStack) -> None:
    """Say of each finding why it stands. It is said where it was found, or just above."""
    for path, rule, reason in _of_data(configuration):
        _acknowledge(data_stack, path, rule, reason)
    for path, rule, reason in (*_of_app(configuration), *_of_functions(), *_of_uploader()):
        _acknowledge(app_stack, path, rule, reason)


def _of_data(configuration: Configuration) -> Iterator[tuple[str, str, str]]:
    yield (
        "Network/Vpc",
        "VPC7",
        "The network has no way to the internet. Its groups let functions reach the database and SQS, "
        "nothing else: a log of its flows would repeat what the groups say.",
    )
    yield (
        _DATABASE,
        "RDS11",
        "Another port would hide nothing from who is in the network; only the functions' group may connect.",
    )
    if not configuration.database_in_two_zones:
        yield (
            _DATABASE,
            "RDS3",
            f"The profile {configuration.profile} saves: the failure of a zone stops the chat, and a backup "
            "of each day is kept. The profile production has two zones.",
        )
    if not configuration.protected:
        yield (
            _DATABASE,
            "RDS10",
            f"The profile {configuration.profile} is meant to be taken down again; a last snapshot is made "
            "then. The profile production is protected.",
        )


def _of_app(configuration: Configuration) -> Iterator[tuple[str, str, str]]:
    yield (
        "Secrets",
        "SMG4",
        "Lambda and CloudFront read these at a deployment: a rotation by itself would lock everybody out. "
        "They are replaced by number, old and new both accepted meanwhile (docs/deploying.md).",
    )
    for api in ("WebSocket", "Http"):
        yield (
            api,
            "APIG4",
            "The chat is public: guests read and write in open rooms. Django decides who somebody is and "
            "what they may, and both APIs refuse what lacks the distribution's secret.",
        )
    yield _EDGE, "CFR1", "A chat is for people wherever they are."
    if not configuration.firewall:
        yield (
            _EDGE,
            "CFR2",
            "A firewall costs $9 a month before the first request. Connections, messages and requests are "
            "throttled by the stages and by Django; firewall=true adds it.",
        )
    if configuration.domain is None:
        yield (
            _EDGE,
            "CFR4",
            "Under a cloudfront.net name the least version of TLS is CloudFront's choice. With a domain it "
            "is 1.2; to the APIs it is 1.2 in any case.",
        )
    if configuration.api_logging_role:
        yield (
            "AccessLogs/Role",
            f"{_SERVICE_ROLE}AmazonAPIGatewayPushToCloudWatchLogs]",
            "API Gateway has one role for all logs of an account and region, and AWS made this policy.",
        )


def _of_functions() -> Iterator[tuple[str, str, str]]:
    for name in ("Websocket", "Http", "Sessions", "Broadcast", "Migrate", "Delivery"):
        yield (
            f"Functions/{name}/Function",
            "L1",
            "Python 3.13 has security fixes until October 2029, and the packages are compiled and tested for "
            "it. A newer runtime comes with the next long-term release of Django.",
        )
        if name != "Delivery":
            yield (
                f"Functions/{name}/Role",
                "IAM5[Resource::*]",
                "Attaching to the network: EC2 grants these actions on all resources only, and the "
                "function's code can't reach EC2.",
            )
    for method, does in (("POST", "posts to"), ("DELETE", "closes the connection of")):
        yield (
            "Functions/Delivery/Role",
            _CONNECTIONS.format(method=method),
            f"It {does} whom it is told to, and connections come and go: this stage of this API alone.",
        )


def _of_uploader() -> Iterator[tuple[str, str, str]]:
    role = f"{_UPLOADER}/ServiceRole"
    yield _UPLOADER, "L1", f"The runtime is the CDK's choice: {_WHAT_IT_IS}."
    yield (
        role,
        f"{_SERVICE_ROLE}AWSLambdaBasicExecutionRole]",
        f"The CDK's choice, to write logs: {_WHAT_IT_IS}.",
    )
    for action in ("s3:GetBucket*", "s3:GetObject*", "s3:List*", "s3:Abort*", "s3:DeleteObject*"):
        yield (
            role,
            f"IAM5[Action::{action}]",
            f"On the bucket of assets and the site's alone: {_WHAT_IT_IS}.",
        )
    for bucket in _BUCKETS:
        yield (
            role,
            f"IAM5[Resource::{bucket}/*]",
            f"All objects of the bucket of assets, and of the site's: {_WHAT_IT_IS}.",
        )


def _acknowledge(stack: Stack, path: str, rule: str, reason: str) -> None:
    scope: Construct = stack
    for name in path.split("/"):
        scope = scope.node.find_child(name)  # type: ignore[assignment] # an IConstruct, which is one
    Validations.of(scope).acknowledge(Acknowledgment(id=f"AwsSolutions-{rule}", reason=reason))
