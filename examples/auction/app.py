"""A live auction: an authorizer lets bidders in, and a table's stream tells all of them of each bid."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import App, Duration, RemovalPolicy, Stack
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as event_sources
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

FUNCTIONS = Path(__file__).parent / "functions"


class AuctionStack(Stack):
    """The whole app."""

    def __init__(self, scope: Construct, id: str) -> None:  # noqa: A002 - the CDK's own name
        super().__init__(scope, id)
        api = apigateway.WebSocketApi(self, "Api", api_name="auction")
        stage = apigateway.WebSocketStage(
            self, "Stage", web_socket_api=api, stage_name="live", auto_deploy=True
        )
        connections = self._table("Connections", key="connection_id")
        lots = self._table("Lots", key="lot", stream=dynamodb.StreamViewType.NEW_IMAGE)
        invitations = secretsmanager.Secret(self, "Invitations", secret_name="auction-invitations")  # noqa: S106

        authorizer = self._function("authorizer", SECRET_ARN=invitations.secret_arn)
        invitations.grant_read(authorizer)
        connecting = self._function("connections", CONNECTIONS_TABLE=connections.table_name)
        connections.grant_write_data(connecting)
        bids = self._function("bids", LOTS_TABLE=lots.table_name)
        lots.grant_read_write_data(bids)
        announcer = self._function(
            "announcer", CONNECTIONS_TABLE=connections.table_name, CALLBACK_URL=stage.callback_url
        )
        connections.grant_read_write_data(announcer)
        stage.grant_management_api_access(announcer)
        announcer.add_event_source(
            event_sources.DynamoEventSource(
                lots, starting_position=lambda_.StartingPosition.LATEST, batch_size=100, retry_attempts=3
            )
        )

        api.add_route(
            "$connect",
            integration=integrations.WebSocketLambdaIntegration("Connect", connecting),
            authorizer=authorizers.WebSocketLambdaAuthorizer(
                "Authorizer",
                authorizer,
                identity_source=[
                    "route.request.querystring.name",
                    "route.request.querystring.invitation",
                ],
            ),
        )
        api.add_route(
            "$disconnect", integration=integrations.WebSocketLambdaIntegration("Disconnect", connecting)
        )
        api.add_route(
            "bid", integration=integrations.WebSocketLambdaIntegration("Bid", bids), return_response=True
        )

    def _table(
        self, name: str, *, key: str, stream: dynamodb.StreamViewType | None = None
    ) -> dynamodb.TableV2:
        return dynamodb.TableV2(
            self,
            name,
            partition_key=dynamodb.Attribute(name=key, type=dynamodb.AttributeType.STRING),
            dynamo_stream=stream,
            removal_policy=RemovalPolicy.DESTROY,
        )

    def _function(self, name: str, **environment: str) -> lambda_.Function:
        return lambda_.Function(
            self,
            f"{name.capitalize()}Function",
            runtime=lambda_.Runtime.PYTHON_3_13,
            code=lambda_.Code.from_asset(str(FUNCTIONS), exclude=["__pycache__"]),
            handler=f"{name}.handler",
            environment=environment,
            timeout=Duration.seconds(10),
            memory_size=256,
        )


def main() -> None:
    """Synthesise into CDK_OUTDIR, which the CDK's CLI sets."""
    app = App()
    AuctionStack(app, "Auction")
    app.synth()


if __name__ == "__main__":
    main()
