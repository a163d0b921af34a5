"""Counting words in the background: WebSocket → SQS → S3 → SNS → the client; a schedule tidies up."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import App, Duration, RemovalPolicy, Stack
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as event_sources
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_notifications as notifications
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

FUNCTIONS = Path(__file__).parent / "functions"


class TranscriptsStack(Stack):
    """The whole app."""

    def __init__(self, scope: Construct, id: str) -> None:  # noqa: A002 - the CDK's own name
        super().__init__(scope, id)
        api = apigateway.WebSocketApi(
            self,
            "Api",
            api_name="transcripts",
            route_selection_expression="$request.body.service.do",
        )
        stage = apigateway.WebSocketStage(
            self, "Stage", web_socket_api=api, stage_name="prod", auto_deploy=True
        )
        failed = sqs.Queue(self, "Failed", enforce_ssl=True)
        jobs = sqs.Queue(
            self,
            "Jobs",
            visibility_timeout=Duration.seconds(60),
            dead_letter_queue=sqs.DeadLetterQueue(queue=failed, max_receive_count=3),
            enforce_ssl=True,
        )
        audit = sqs.Queue(self, "Audit", queue_name="transcripts-audit", enforce_ssl=True)
        finished = sns.Topic(self, "Finished")
        results = s3.Bucket(
            self,
            "Results",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            removal_policy=RemovalPolicy.DESTROY,
        )
        results.add_event_notification(
            s3.EventType.OBJECT_CREATED,
            notifications.SnsDestination(finished),
            s3.NotificationKeyFilter(prefix="results/"),
        )

        submit = self._function("submit", JOBS_URL=jobs.queue_url)
        jobs.grant_send_messages(submit)
        count = self._function("count", RESULTS_BUCKET=results.bucket_name)
        results.grant_put(count)
        count.add_event_source(
            event_sources.SqsEventSource(jobs, batch_size=5, report_batch_item_failures=True)
        )
        notify = self._function("notify", CALLBACK_URL=stage.callback_url)
        results.grant_read(notify)
        stage.grant_management_api_access(notify)
        finished.add_subscription(subscriptions.LambdaSubscription(notify))
        finished.add_subscription(subscriptions.SqsSubscription(audit, raw_message_delivery=True))
        sweep = self._function("sweep", RESULTS_BUCKET=results.bucket_name)
        results.grant_read(sweep)
        results.grant_delete(sweep)
        events.Rule(
            self,
            "Daily",
            schedule=events.Schedule.rate(Duration.days(1)),
            targets=[targets.LambdaFunction(sweep)],
        )

        api.add_route(
            "count",
            integration=integrations.WebSocketLambdaIntegration("Submit", submit),
            return_response=True,
        )

    def _function(self, name: str, **environment: str) -> lambda_.Function:
        return lambda_.Function(
            self,
            f"{name.capitalize()}Function",
            function_name=f"transcripts-{name}",
            runtime=lambda_.Runtime.PYTHON_3_13,
            code=lambda_.Code.from_asset(str(FUNCTIONS), exclude=["**/__pycache__"]),
            handler=f"transcripts.{name}.handler",
            environment=environment,
            timeout=Duration.seconds(10),
            memory_size=256,
        )


def main() -> None:
    """Synthesise into CDK_OUTDIR, which the CDK's CLI sets."""
    app = App()
    TranscriptsStack(app, "Transcripts")
    app.synth()


if __name__ == "__main__":
    main()
