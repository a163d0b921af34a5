"""The six functions: what each runs, may do and is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as event_sources
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra import data, packages
from infra.configuration import Configuration
from infra.queues import QueueWithDeadLetters
from infra.secrets import Secrets

DELIVERY_TIMEOUT = Duration.seconds(15)
SESSIONS_TIMEOUT = Duration.seconds(60)
BATCH_SIZE = 10


class Functions(Construct):
    """The functions and the queues between them."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        configuration: Configuration,
        data_stack: data.DataStack,
        secrets: Secrets,
        websocket_stage: apigateway.WebSocketStage,
        websocket_api_id: str,
        public_origin: str,
    ) -> None:
        super().__init__(scope, construct_id)
        self._configuration = configuration
        self._data = data_stack
        self.deliveries = QueueWithDeadLetters(
            self,
            "Deliveries",
            name=f"{configuration.prefix}-deliveries",
            function_timeout=DELIVERY_TIMEOUT,
        )
        self.gone = QueueWithDeadLetters(
            self, "Gone", name=f"{configuration.prefix}-gone", function_timeout=SESSIONS_TIMEOUT
        )
        database = data_stack.database
        self._django_code = packages.code(packages.DJANGO)
        self._django_environment = {
            "DJANGO_SETTINGS_MODULE": "django_project.settings",
            "PUBLIC_ORIGIN": public_origin,
            "DJANGO_SECRET_KEY": secrets.django_key,
            "GATEWAY_SECRETS": secrets.gateway_secret,
            "CONNECT_LIMIT": configuration.connect_limit,
            "WEBSOCKET_API_ID": websocket_api_id,
            "WEBSOCKET_STAGE": websocket_stage.stage_name,
            "DATABASE_HOST": database.db_instance_endpoint_address,
            "DATABASE_PORT": database.db_instance_endpoint_port,
            "DATABASE_NAME": data.DATABASE,
            "DATABASE_SSLMODE": configuration.database_sslmode,
            "DATABASE_AUTH": "iam",
        }
        if configuration.database_sslmode == "verify-full":
            self._django_environment["DATABASE_CA_FILE"] = packages.CA_FILE
        sends = {"DELIVERY_QUEUE_URL": self.deliveries.queue.queue_url}

        self.websocket = self._django(
            "Websocket",
            timeout=Duration.seconds(20),
            memory_mib=configuration.websocket_memory_mib,
            concurrency=configuration.websocket_concurrency,
            environment=sends,
        )
        self.http = self._django(
            "Http",
            timeout=Duration.seconds(29),
            memory_mib=configuration.http_memory_mib,
            concurrency=configuration.http_concurrency,
            environment=sends,
        )
        self.sessions = self._django(
            "Sessions",
            timeout=SESSIONS_TIMEOUT,
            memory_mib=512,
            environment=sends,
        )
        self.broadcast = self._django(
            "Broadcast",
            timeout=Duration.seconds(60),
            memory_mib=512,
            environment=sends,
        )
        self.migrate = self._django(
            "Migrate",
            timeout=Duration.minutes(10),
            memory_mib=1024,
            user=data.MASTER_USER,
            environment={
                "DATABASE_USERS": ",".join(
                    f"{name}={data.user_of(name)}" for name in ("broadcast", "http", "sessions", "websocket")
                ),
                # For the first deployment alone: after it the master signs in by token too.
                "DATABASE_PASSWORD": _master_password(data_stack),
            },
        )
        self.delivery = self._function(
            "Delivery",
            code=packages.code(packages.DELIVERY),
            timeout=DELIVERY_TIMEOUT,
            memory_mib=512,
            environment={
                "CONNECTIONS_URL": websocket_stage.callback_url,
                "DELIVERY_QUEUE_URL": self.deliveries.queue.queue_url,
                "DEAD_LETTER_QUEUE_URL": self.deliveries.dead_letters.queue_url,
                "GONE_QUEUE_URL": self.gone.queue.queue_url,
                "POSTS_PER_SECOND": str(configuration.posts_per_second),
            },
        )

        for function in self.using_database:
            self.deliveries.queue.grant(function, "sqs:SendMessage")
        websocket_stage.grant_management_api_access(self.delivery)
        self.delivery.add_event_source(_from(self.deliveries, configuration.delivery_concurrency))
        for queue in (self.deliveries.queue, self.deliveries.dead_letters, self.gone.queue):
            queue.grant(self.delivery, "sqs:SendMessage")
        self.sessions.add_event_source(_from(self.gone, configuration.sessions_concurrency))

    @property
    def using_database(self) -> Sequence[lambda_.Function]:
        """What must not run new code before the database has its migrations."""
        return [self.websocket, self.http, self.sessions, self.broadcast]

    def _django(
        self,
        construct_id: str,
        *,
        timeout: Duration,
        memory_mib: int,
        environment: Mapping[str, str],
        user: str | None = None,
        concurrency: int | None = None,
    ) -> lambda_.Function:
        network = self._data.network
        user = user or data.user_of(construct_id.lower())
        function = self._function(
            construct_id,
            code=self._django_code,
            timeout=timeout,
            memory_mib=memory_mib,
            concurrency=concurrency,
            environment={**self._django_environment, "DATABASE_USER": user, **environment},
            vpc=network.vpc,
            security_group=network.functions_group,
        )
        self._data.database.grant_connect(function, user)
        return function

    def _function(
        self,
        construct_id: str,
        *,
        code: lambda_.Code,
        timeout: Duration,
        memory_mib: int,
        environment: Mapping[str, str],
        concurrency: int | None = None,
        vpc: ec2.IVpc | None = None,
        security_group: ec2.ISecurityGroup | None = None,
    ) -> lambda_.Function:
        name = f"{self._configuration.prefix}-{construct_id.lower()}"
        return lambda_.Function(
            self,
            construct_id,
            function_name=name,
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            code=code,
            handler=f"lambda_handlers.{construct_id.lower()}.handler",
            timeout=timeout,
            memory_size=memory_mib,
            reserved_concurrent_executions=concurrency,
            environment=dict(environment),
            vpc=vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED) if vpc else None,
            security_groups=[security_group] if security_group else None,
            logging_format=lambda_.LoggingFormat.JSON,
            application_log_level_v2=lambda_.ApplicationLogLevel.INFO,
            # Without the three lines of each invocation, which cost more than the invocation.
            system_log_level_v2=lambda_.SystemLogLevel.WARN,
            log_group=logs.LogGroup(
                self,
                f"{construct_id}Logs",
                log_group_name=f"/aws/lambda/{name}",
                retention=self._configuration.log_retention,
                removal_policy=RemovalPolicy.DESTROY,
            ),
        )


def _master_password(data_stack: data.DataStack) -> str:
    secret = data_stack.database.secret
    assert secret is not None  # RDS manages one
    return secret.secret_value_from_json("password").unsafe_unwrap()


def _from(queue: QueueWithDeadLetters, concurrency: int) -> event_sources.SqsEventSource:
    return event_sources.SqsEventSource(
        queue.queue,
        batch_size=BATCH_SIZE,
        # Not reserved concurrency: its refusals would count as messages received in vain.
        max_concurrency=concurrency,
        report_batch_item_failures=True,
    )
