"""The six functions and the queues between them: what each runs, may do and is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as event_sources
from constructs import Construct

from infra import data, packages
from infra.api import STAGE, WebSocketApi
from infra.configuration import Configuration
from infra.lambda_function import PythonFunction
from infra.queues import QueueWithDeadLetters
from infra.secrets import Secrets

DELIVERY_TIMEOUT = Duration.seconds(15)
SESSIONS_TIMEOUT = Duration.seconds(60)
BATCH_SIZE = 10
QUEUE_CONCURRENCY_OF_SESSIONS = 2


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
        websocket_api: WebSocketApi,
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
            "DJANGO_SECRET_KEY": secrets.django_keys[0],
            "DJANGO_SECRET_KEY_FALLBACKS": ",".join(secrets.django_keys[1:]),
            "GATEWAY_SECRETS": ",".join(secrets.gateway_secrets),
            "CONNECT_LIMIT": configuration.connect_limit,
            "LOGIN_LIMIT": configuration.login_limit,
            "MAIL_URL": configuration.mail,
            "WEBSOCKET_API_ID": websocket_api.api.api_id,
            "WEBSOCKET_STAGE": STAGE,
            "DATABASE_HOST": database.db_instance_endpoint_address,
            "DATABASE_PORT": database.db_instance_endpoint_port,
            "DATABASE_NAME": data.DATABASE,
            "DATABASE_SSLMODE": configuration.database_sslmode,
            "DATABASE_AUTH": "iam",
        }
        if configuration.database_sslmode == "verify-full":
            self._django_environment["DATABASE_CA_FILE"] = packages.CA_FILE
        concurrency = configuration.concurrency
        sends = {"DELIVERY_QUEUE_URL": self.deliveries.queue.queue_url}

        websocket = self._django(
            "Websocket",
            timeout=Duration.seconds(20),
            memory_mib=configuration.websocket_memory_mib,
            concurrency=concurrency.websocket,
            environment=sends,
            snap_start=configuration.snap_start,
        )
        self.websocket, self.websocket_entry = websocket.function, websocket.entry
        self.http = self._django(
            "Http",
            timeout=Duration.seconds(29),
            memory_mib=configuration.http_memory_mib,
            concurrency=concurrency.http,
            environment=sends,
        ).function
        self.sessions = self._django(
            "Sessions",
            timeout=SESSIONS_TIMEOUT,
            memory_mib=512,
            concurrency=concurrency.sessions,
            environment=sends,
        ).function
        self.broadcast = self._django(
            "Broadcast",
            timeout=Duration.seconds(60),
            memory_mib=512,
            concurrency=concurrency.broadcast,
            environment=sends,
        ).function
        self.migrate = self._django(
            "Migrate",
            timeout=Duration.minutes(10),
            memory_mib=1024,
            concurrency=concurrency.migrate,
            user=data.MASTER_USER,
            environment={
                "DATABASE_USERS": ",".join(
                    f"{name}={data.user_of(name)}" for name in ("broadcast", "http", "sessions", "websocket")
                ),
                # For the first deployment alone: after it the master signs in by token too.
                "DATABASE_PASSWORD": _master_password(data_stack),
            },
        ).function
        self.delivery = self._function(
            "Delivery",
            code=packages.code(packages.DELIVERY),
            timeout=DELIVERY_TIMEOUT,
            memory_mib=512,
            environment={
                "CONNECTIONS_URL": websocket_api.connections_url,
                "DELIVERY_QUEUE_URL": self.deliveries.queue.queue_url,
                "DEAD_LETTER_QUEUE_URL": self.deliveries.dead_letters.queue_url,
                "GONE_QUEUE_URL": self.gone.queue.queue_url,
                "POSTS_PER_SECOND": str(configuration.posts_per_second),
            },
        ).function

        for function in (self.websocket, self.http, self.sessions, self.broadcast):
            self.deliveries.queue.grant(function, "sqs:SendMessage")
        websocket_api.let_post(self.delivery)
        self.delivery.add_event_source(_from(self.deliveries, configuration.delivery_concurrency))
        for queue in (self.deliveries.queue, self.deliveries.dead_letters, self.gone.queue):
            queue.grant(self.delivery, "sqs:SendMessage")
        self.sessions.add_event_source(_from(self.gone, QUEUE_CONCURRENCY_OF_SESSIONS))

    @property
    def using_database(self) -> Sequence[lambda_.Function]:
        """What must not run new code before the database has its migrations."""
        return [self.websocket, self.http, self.sessions, self.broadcast]

    @property
    def by_name(self) -> Mapping[str, lambda_.Function]:
        return {
            "websocket": self.websocket,
            "http": self.http,
            "delivery": self.delivery,
            "sessions": self.sessions,
            "broadcast": self.broadcast,
            "migrate": self.migrate,
        }

    def _django(
        self,
        construct_id: str,
        *,
        timeout: Duration,
        memory_mib: int,
        concurrency: int,
        environment: Mapping[str, str],
        user: str | None = None,
        snap_start: bool = False,
    ) -> PythonFunction:
        """A function that runs Django, in the network, and signs in as `user`, by default its own."""
        user = user or data.user_of(construct_id.lower())
        function = self._function(
            construct_id,
            code=self._django_code,
            timeout=timeout,
            memory_mib=memory_mib,
            environment={**self._django_environment, "DATABASE_USER": user, **environment},
            in_network=True,
            concurrency=concurrency if self._configuration.reserve_concurrency else None,
            snap_start=snap_start,
        )
        self._data.database.grant_connect(function.function, user)
        return function

    def _function(
        self,
        construct_id: str,
        *,
        code: lambda_.Code,
        timeout: Duration,
        memory_mib: int,
        environment: Mapping[str, str],
        in_network: bool = False,
        concurrency: int | None = None,
        snap_start: bool = False,
    ) -> PythonFunction:
        return PythonFunction(
            self,
            construct_id,
            name=f"{self._configuration.prefix}-{construct_id.lower()}",
            code=code,
            timeout=timeout,
            memory_mib=memory_mib,
            environment=environment,
            log_retention=self._configuration.log_retention,
            concurrency=concurrency,
            network=self._data.network if in_network else None,
            snap_start=snap_start,
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
