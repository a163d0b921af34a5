"""What happens by itself: migrations at each deployment, cleaning on a clock; and what a person is told."""

from __future__ import annotations

from aws_cdk import CfnOutput, Duration, Stack, triggers
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from infra.functions import Functions
from infra.web import Web

CLEANING_INTERVAL = Duration.minutes(1)
"""How long a message can stay behind that a function stored and did not live to queue."""


class Operation(Construct):
    """Migrates before new code runs, and has the sessions function clean up regularly."""

    def __init__(self, scope: Construct, construct_id: str, *, functions: Functions) -> None:
        super().__init__(scope, construct_id)
        self.migration = triggers.Trigger(
            self,
            "Migration",
            handler=functions.migrate,
            timeout=Duration.minutes(10),
            execute_after=[functions.migrate],
            execute_before=list(functions.using_database),
        )
        events.Rule(
            self,
            "Cleaning",
            description="Passes on messages that were left behind; forgets what nobody needs any more",
            schedule=events.Schedule.rate(CLEANING_INTERVAL),
            targets=[targets.LambdaFunction(functions.sessions, retry_attempts=0)],
        )


def tell(stack: Stack, *, web: Web, functions: Functions) -> None:
    """The outputs: what a person needs after a deployment."""
    CfnOutput(stack, "ChatUrl", value=f"{web.origin}/")
    scheme = "wss" if web.origin.startswith("https") else "ws"
    CfnOutput(stack, "WebSocketUrl", value=f"{scheme}://{web.host}/ws")
    CfnOutput(stack, "BroadcastFunctionName", value=functions.broadcast.function_name)
