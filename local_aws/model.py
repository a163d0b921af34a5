"""What an assembly declares, with every reference resolved: the types that all of the runtime starts from.

`assembly` makes these out of `cdk.out`; nothing here reads files or knows CloudFormation's spelling.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class EventInvocation:
    """What becomes of a function's asynchronous invocations. Ages are seconds, destinations ARNs."""

    maximum_age: int = 21_600
    maximum_retries: int = 2
    on_success: str | None = None
    on_failure: str | None = None
    dead_letters: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """What a function in a VPC reaches on AWS: the internet, or only the services with an endpoint there."""

    internet: bool
    endpoints: frozenset[str] = frozenset()

    def reaches(self, service: str) -> bool:
        """Whether calls to a service, named as in its host name, get there."""
        return self.internet or service in self.endpoints


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A Lambda function. `name` is unique in the assembly, `code` the folder that holds its handler.

    Below a `system_log_level` of INFO the service leaves out its own START, END and REPORT lines (JSON only).
    `layers` are folders that appear as /opt does, the first one lowest. `qualifiers` are the published
    versions and the aliases, each with the version that it stands for.
    """

    name: str
    arn: str
    handler: str
    code: Path
    environment: Mapping[str, str]
    timeout_seconds: int = 3
    memory_mb: int = 128
    role_arn: str | None = None
    reserved_concurrency: int | None = None
    runtime: str = "python3.13"
    log_format: Literal["Text", "JSON"] = "Text"
    application_log_level: str = "INFO"
    system_log_level: str = "INFO"
    log_group: str | None = None
    layers: tuple[Path, ...] = ()
    qualifiers: Mapping[str, str] = field(default_factory=dict)
    events: EventInvocation = EventInvocation()
    network: Network | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaIntegration:
    """An AWS_PROXY integration. `timeout_ms` is the integration's own limit (29,000 at most).

    With `role_arn` API Gateway invokes the function as that role, without by the function's own permissions.
    """

    function: str
    timeout_ms: int = 29_000
    role_arn: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrationResponse:
    """How an integration's answer becomes a message: templates by the value of their selection expression."""

    templates: Mapping[str, str] = field(default_factory=dict)
    template_selection: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MockIntegration:
    """A MOCK integration, answered from its templates without any function.

    `request_templates` are by the value of the template selection expression. The status code that the chosen
    one gives selects the response: `responses` are by their key, `$default` or a pattern such as `/2\\d\\d/`.
    """

    request_templates: Mapping[str, str] = field(default_factory=dict)
    responses: Mapping[str, IntegrationResponse] = field(default_factory=dict)
    template_selection: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceIntegration:
    """An AWS integration: a message becomes a request to a service, made as the role `role_arn`.

    `path` is what follows the service in the integration's URI: `path/ACCOUNT/QUEUE` or `action/PutItem`.
    `headers` and `query` are by their names at the service, their values the mapping expressions.
    """

    service: str
    path: str
    method: str
    role_arn: str | None
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    request_templates: Mapping[str, str] = field(default_factory=dict)
    template_selection: str | None = None
    passes_through: bool = True
    responses: Mapping[str, IntegrationResponse] = field(default_factory=dict)
    timeout_ms: int = 29_000


Integration = LambdaIntegration | MockIntegration | ServiceIntegration


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaAuthorizer:
    """A Lambda authorizer of an API.

    `identity_sources` are mapping expressions; a request that lacks one is refused without asking the
    function. What follows `role_arn` concerns HTTP APIs: `ttl_seconds` is how long an answer counts.
    """

    id: str
    name: str
    function: str
    identity_sources: tuple[str, ...] = ()
    role_arn: str | None = None
    payload_format: str = "1.0"
    simple_responses: bool = False
    ttl_seconds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttle:
    """A stage's or route's limit: a steady rate in requests a second and a burst."""

    rate: float
    burst: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketRoute:
    """A route. Without `answers` (a RouteResponse) the integration's answer is never sent to the client."""

    key: str
    integration: Integration | None
    answers: bool = False
    authorizer: LambdaAuthorizer | None = None
    throttle: Throttle | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketApi:
    """A WebSocket API with one stage (an API with several stages is several of these, under one id)."""

    id: str
    name: str
    stage: str
    routes: Mapping[str, WebSocketRoute]
    route_selection_expression: str = "$request.body.action"
    throttle: Throttle | None = None
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRoute:
    """A route of an HTTP API: `$default`, or a method (or ANY) and a path such as `ANY /api/{proxy+}`."""

    key: str
    function: str
    payload_format: str = "2.0"
    timeout_ms: int = 30_000
    role_arn: str | None = None
    authorizer: LambdaAuthorizer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cors:
    """An HTTP API's CORS configuration."""

    origins: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()
    credentials: bool = False
    max_age: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpApi:
    """An HTTP API with one stage, `$default` unless the template names another."""

    id: str
    name: str
    stage: str
    routes: tuple[HttpRoute, ...]
    cors: Cors | None = None
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Redrive:
    """Where a message goes that was received `max_receives` times without being deleted."""

    queue_arn: str
    max_receives: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """An SQS queue. Times are seconds, sizes bytes.

    A FIFO one keeps the order of each message group, and takes a message once: by its content where it
    `deduplicates_content` and the sender gives no id, within the group where it `deduplicates_in_groups`.
    """

    name: str
    arn: str
    url: str
    visibility_timeout: int = 30
    delay: int = 0
    retention: int = 345_600
    receive_wait: int = 0
    max_message_bytes: int = 1_048_576
    redrive: Redrive | None = None
    fifo: bool = False
    deduplicates_content: bool = False
    deduplicates_in_groups: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSource:
    """An SQS event source mapping. `max_concurrency` bounds the invocations that it runs at once.

    `patterns` are its filters, of which a message must match one; without any, every message does.
    """

    queue_arn: str
    function: str
    batch_size: int = 10
    window_seconds: int = 0
    reports_batch_item_failures: bool = False
    max_concurrency: int | None = None
    patterns: tuple[Mapping[str, object], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSource:
    """A DynamoDB stream's event source mapping. Times are seconds; without a limit, retries go on for ever.

    `bisects` halves a failed batch. `on_failure` is the ARN that hears of changes which were given up.
    """

    stream_arn: str
    function: str
    batch_size: int = 100
    window_seconds: int = 0
    bisects: bool = False
    maximum_retries: int | None = None
    maximum_age: int | None = None
    on_failure: str | None = None
    reports_batch_item_failures: bool = False
    patterns: tuple[Mapping[str, object], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsCall:
    """A call to an AWS API that makes what a resource declares. `service` is as boto3 names it.

    `arn` is by what references to the resource (a secret, a table's stream) know it. Some things must be
    there from the start (`eager`), others only once somebody asks for them.
    """

    resource: str
    service: str
    operation: str
    parameters: Mapping[str, object]
    arn: str | None = None
    eager: bool = False

    @property
    def name(self) -> str:
        return f"{self.operation} of {self.resource}"


@dataclass(frozen=True, slots=True, kw_only=True)
class InputTransformer:
    """A template, and the paths into the event whose values take the place of its `<names>`."""

    template: str
    paths: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """One target of an EventBridge rule or schedule on a clock: a function, or a queue by its ARN.

    `expression` is `rate(…)`, `cron(…)` or `at(…)`, read in `timezone`. `input` replaces the event,
    `input_path` takes a part of it, and a `transformer` makes another one of it. `role_arn` is the role that
    a schedule has; a rule needs the function's permission.
    """

    name: str
    arn: str
    expression: str
    role_arn: str | None = None
    function: str | None = None
    queue_arn: str | None = None
    message_group: str | None = None
    input: str | None = None
    input_path: str | None = None
    transformer: InputTransformer | None = None
    timezone: str = "UTC"
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketFiles:
    """A bucket deployment: the files below `folder` appear in the bucket below `prefix`."""

    folder: Path
    prefix: str = ""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    cache_control: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """An S3 bucket, with what the deployments of the assembly put into it (a later one wins).

    Who may list it is told of a missing object with 404, others with 403.
    """

    name: str
    arn: str
    files: tuple[BucketFiles, ...] = ()
    listable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a behaviour sends a request: an API (by its id) or a bucket (by its name)."""

    kind: Literal["api", "bucket"]
    target: str
    path: str = ""
    custom_headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """A cache behaviour: what matches `pattern` (`*` for the default one) goes to `origin`.

    `forwards_host` is false with the managed policy AllViewerExceptHostHeader. `response_headers` come from
    the response headers policy and replace the origin's, `default_headers` from the same only where the
    origin sends none; `removed_headers` are taken away.
    """

    pattern: str
    origin: Origin
    allowed_methods: frozenset[str] = frozenset({"GET", "HEAD"})
    response_headers: Mapping[str, str] = field(default_factory=dict)
    default_headers: Mapping[str, str] = field(default_factory=dict)
    removed_headers: tuple[str, ...] = ()
    forwards_host: bool = False
    compress: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorPage:
    """What a distribution answers in place of an origin's error: the page at `path`, with `status`."""

    path: str | None
    status: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """A CloudFront distribution; `behaviours` in the order of their precedence, the default one last."""

    id: str
    domain_name: str
    behaviours: tuple[Behaviour, ...]
    default_root_object: str = ""
    error_pages: Mapping[int, ErrorPage] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A PostgreSQL instance. `port` is the one it listens on here."""

    name: str
    database: str
    host: str
    port: int
    master_username: str
    master_password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A statement of an IAM policy. Of a pair such as `actions` and `not_actions` one at most is set.

    `principals` are by their kind (AWS, Service, …, or `*`) and None in an identity's policy. `conditions`
    are values by operator and key.
    """

    allows: bool
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    not_resources: tuple[str, ...] = ()
    principals: Mapping[str, tuple[str, ...]] | None = None
    not_principals: Mapping[str, tuple[str, ...]] | None = None
    conditions: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """An IAM role with the statements of all its policies.

    `boundary` is its permissions boundary, `trust` says who may assume it. Of `unknown_policies` only the ARN
    is known here.
    """

    arn: str
    name: str
    statements: tuple[Statement, ...] = ()
    boundary: tuple[Statement, ...] | None = None
    trust: tuple[Statement, ...] = ()
    unknown_policies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InvokePermission:
    """A Lambda permission: `principal` (a service, account or ARN) may invoke a function or its qualifier."""

    function: str
    principal: str
    qualifier: str | None = None
    source_arn: str | None = None
    source_account: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A function to invoke once, synchronously, at each start, before `before` (names of functions) run."""

    name: str
    function: str
    before: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsupported:
    """A resource that isn't run here, with what that means for whoever relies on it."""

    logical_id: str
    type: str
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A resource that has no part in a stack on one machine, with the reason."""

    logical_id: str
    type: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """All that the stacks of one assembly declare together."""

    region: str
    account: str
    functions: Mapping[str, Function]
    websocket_apis: tuple[WebSocketApi, ...] = ()
    http_apis: tuple[HttpApi, ...] = ()
    queues: tuple[Queue, ...] = ()
    event_sources: tuple[EventSource, ...] = ()
    stream_sources: tuple[StreamSource, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    aws_calls: tuple[AwsCall, ...] = ()
    buckets: tuple[Bucket, ...] = ()
    distributions: tuple[Distribution, ...] = ()
    databases: tuple[Database, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    roles: Mapping[str, Role] = field(default_factory=dict)
    """By ARN."""
    resource_policies: Mapping[str, tuple[Statement, ...]] = field(default_factory=dict)
    """The policies of queues, topics, buckets and secrets, by the resource's ARN."""
    invoke_permissions: tuple[InvokePermission, ...] = ()
    unsupported: tuple[Unsupported, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)
