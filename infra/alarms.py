"""Alarms: what somebody should look at, said by mail."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.api import STAGE, HttpApi, WebSocketApi
from infra.configuration import Configuration
from infra.data import DataStack
from infra.functions import Functions
from infra.queues import QueueWithDeadLetters

_GIB = 1024**3
_MOST = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
_LEAST = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD


class Alarms(Construct):
    """The alarms of a deployment, all to one topic."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        configuration: Configuration,
        data_stack: DataStack,
        functions: Functions,
        websocket_api: WebSocketApi,
        http_api: HttpApi,
    ) -> None:
        super().__init__(scope, construct_id)
        self._prefix = configuration.prefix
        self.topic = sns.Topic(self, "Topic", topic_name=f"{configuration.prefix}-alarms", enforce_ssl=True)
        if configuration.alarm_email:
            sns.Subscription(
                self,
                "Mail",
                topic=self.topic,
                protocol=sns.SubscriptionProtocol.EMAIL,
                endpoint=configuration.alarm_email,
            )
        self._of_queue("deliveries", functions.deliveries)
        self._of_queue("gone", functions.gone)
        self._of_database(configuration, data_stack)
        self._of_apis(websocket_api, http_api)
        # Who calls the others is told when they fail; these two work on their own.
        for name, function in functions.by_name.items():
            if configuration.every_alarm or name in ("delivery", "sessions"):
                self._of_function(name, function, throttles=configuration.every_alarm)
        if configuration.every_alarm:
            self._alarm(
                "DeliveriesWait",
                "Deliveries wait for minutes: browsers get messages late",
                functions.deliveries.queue.metric_approximate_age_of_oldest_message(
                    period=Duration.minutes(1), statistic="max"
                ),
                120,
                periods=3,
            )

    def _of_queue(self, name: str, queue: QueueWithDeadLetters) -> None:
        self._alarm(
            f"{name.capitalize()}DeadLetters",
            f"Messages of {name} were received in vain and are set aside",
            queue.dead_letters.metric_approximate_number_of_messages_visible(
                period=Duration.minutes(5), statistic="max"
            ),
            0,
        )

    def _of_database(self, configuration: Configuration, data_stack: DataStack) -> None:
        database = data_stack.database
        five = Duration.minutes(5)
        self._alarm(
            "DatabaseCpu",
            "The database's processor has been busy for a quarter of an hour",
            database.metric_cpu_utilization(period=five),
            80,
            periods=3,
        )
        self._alarm(
            "DatabaseConnections",
            "The database's connections run out",
            database.metric_database_connections(period=five, statistic="max"),
            configuration.database_connections * 0.8,
        )
        self._alarm(
            "DatabaseStorage",
            "The database's disk is nearly full, whatever it grew by",
            database.metric_free_storage_space(period=five, statistic="min"),
            configuration.database_storage_gib * _GIB * 0.1,
            comparison=_LEAST,
        )

    def _of_apis(self, websocket_api: WebSocketApi, http_api: HttpApi) -> None:
        self._alarm(
            "PagesFail",
            "Pages fail",
            http_api.api.metric_server_error(period=Duration.minutes(5), statistic="sum"),
            5,
        )
        self._alarm(
            "ActionsFail",
            "Actions and connections fail",
            cloudwatch.Metric(
                namespace="AWS/ApiGateway",
                metric_name="IntegrationError",
                dimensions_map={"ApiId": websocket_api.api.api_id, "Stage": STAGE},
                period=Duration.minutes(5),
                statistic="sum",
            ),
            5,
        )

    def _of_function(self, name: str, function: lambda_.IFunction, *, throttles: bool) -> None:
        five = Duration.minutes(5)
        self._alarm(
            f"{name.capitalize()}Errors",
            f"The {name} function fails",
            function.metric_errors(period=five, statistic="sum"),
            0,
        )
        if throttles:
            self._alarm(
                f"{name.capitalize()}Throttles",
                f"The {name} function is refused: its concurrency, or the account's, is used up",
                function.metric_throttles(period=five, statistic="sum"),
                0,
            )

    def _alarm(
        self,
        name: str,
        meaning: str,
        metric: cloudwatch.IMetric,
        threshold: float,
        *,
        periods: int = 1,
        comparison: cloudwatch.ComparisonOperator = _MOST,
    ) -> None:
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_name=f"{self._prefix}-{name}",
            alarm_description=meaning,
            metric=metric,
            threshold=threshold,
            evaluation_periods=periods,
            comparison_operator=comparison,
            # Nothing measured is nothing wrong: most of these are only measured when something happens.
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))
