"""What each kind of resource becomes."""

import json
import zipfile

import pytest

from local_aws.assembly import read
from local_aws.errors import StackError
from local_aws.model import (
    EventSource,
    IntegrationResponse,
    LambdaIntegration,
    MockIntegration,
    Throttle,
    Trigger,
)
from tests.local_aws.assembly_files import function, read_resources, site, websocket_api, write_assembly


def resource(kind, depends_on=(), **properties):
    return {"Type": kind, "Properties": properties, "DependsOn": list(depends_on)}


TARGET = {"Target": function(FunctionName="target")}


def test_a_function_has_the_templates_settings_and_inline_code(tmp_path):
    target = function(
        "def handler(e, c): return 1",
        FunctionName="target",
        Timeout=9,
        MemorySize=256,
        ReservedConcurrentExecutions=2,
        LoggingConfig={"LogFormat": "JSON", "SystemLogLevel": "WARN"},
    )

    made = read_resources(tmp_path, {"T": target}).functions["target"]

    assert (made.timeout_seconds, made.memory_mb, made.reserved_concurrency) == (9, 256, 2)
    assert (made.log_format, made.system_log_level) == ("JSON", "WARN")
    assert (made.code / "index.py").read_text() == "def handler(e, c): return 1"
    assert made.arn == "arn:aws:lambda:us-east-1:123456789012:function:target"


@pytest.mark.parametrize("packed", [False, True])
def test_code_comes_from_a_folder_or_a_zip_file(tmp_path, packed):
    out = tmp_path / "cdk.out"
    (out / "asset.abc").mkdir(parents=True)
    (out / "asset.abc" / "app.py").write_text("here")
    path, packaging = "asset.abc", "zip"
    if packed:
        with zipfile.ZipFile(out / "asset.zip", "w") as archive:
            archive.writestr("app.py", "here")
        path, packaging = "asset.zip", "file"
    target = function(FunctionName="target", Code={"S3Bucket": "b", "S3Key": "abc.zip"})
    write_assembly(out, {"stack": {"Resources": {"T": target}}}, {"abc.zip": (path, packaging)})

    for _ in range(2):
        made = read(out, site(tmp_path)).functions["target"]
        assert (made.code / "app.py").read_text() == "here"


def test_a_websocket_api_has_routes_answers_and_its_stages_throttle(tmp_path):
    resources = {**TARGET, **websocket_api("Target", ["$connect", "say"])}
    resources["Stage"]["Properties"]["DefaultRouteSettings"] = {
        "ThrottlingRateLimit": 5,
        "ThrottlingBurstLimit": 2,
    }
    del resources["Response0"]

    [api] = read_resources(tmp_path, resources).websocket_apis

    assert (api.name, api.stage, api.throttle) == ("sockets", "prod", Throttle(rate=5, burst=2))
    assert {key: route.answers for key, route in api.routes.items()} == {"$connect": False, "say": True}
    assert api.routes["say"].integration == LambdaIntegration(function="target")


def test_a_mock_integration_has_the_responses_that_its_status_selects_from(tmp_path):
    resources = {**TARGET, **websocket_api("Target", ["ping"])}
    resources["Integration"] = resource(
        "AWS::ApiGatewayV2::Integration",
        ApiId={"Ref": "Api"},
        IntegrationType="MOCK",
        RequestTemplates={"200": '{"statusCode": 200}'},
        TemplateSelectionExpression="200",
    )
    for key, text in {"/200/": "pong", "$default": "other"}.items():
        resources[f"R{len(resources)}"] = resource(
            "AWS::ApiGatewayV2::IntegrationResponse",
            ApiId={"Ref": "Api"},
            IntegrationId={"Ref": "Integration"},
            IntegrationResponseKey=key,
            ResponseTemplates={"200": text},
        )

    [api] = read_resources(tmp_path, resources).websocket_apis

    assert api.routes["ping"].integration == MockIntegration(
        request_templates={"200": '{"statusCode": 200}'},
        responses={
            "/200/": IntegrationResponse(templates={"200": "pong"}, template_selection="200"),
            "$default": IntegrationResponse(templates={"200": "other"}, template_selection="200"),
        },
        template_selection="200",
    )


def test_addresses_of_apis_in_a_functions_environment_lead_here(tmp_path):
    host = ["", [{"Ref": "Api"}, ".execute-api.", {"Ref": "AWS::Region"}, ".amazonaws.com/prod"]]
    variables = {
        "POST": {"Fn::Join": ["", ["https://", {"Fn::Join": host}]]},
        "OPEN": {"Fn::Join": ["", ["wss://", {"Fn::Join": host}]]},
        "OTHER": "https://abcdefghij.execute-api.us-east-1.amazonaws.com/prod",
    }
    target = function(FunctionName="target", Environment={"Variables": variables})

    assembly = read_resources(tmp_path, {"Target": target, **websocket_api("Target", ["$default"])})

    [api] = assembly.websocket_apis
    assert assembly.functions["target"].environment == {
        "POST": f"http://127.0.0.1:8001/{api.id}/prod",
        "OPEN": "ws://127.0.0.1:8000/prod",
        "OTHER": "https://abcdefghij.execute-api.us-east-1.amazonaws.com/prod",
    }


def test_queues_and_the_mapping_on_one(tmp_path):
    resources = {
        **TARGET,
        "Dead": resource("AWS::SQS::Queue", QueueName="dead"),
        "Queue": resource(
            "AWS::SQS::Queue",
            QueueName="jobs",
            VisibilityTimeout=60,
            RedrivePolicy={"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}, "maxReceiveCount": 3},
        ),
        "Mapping": resource(
            "AWS::Lambda::EventSourceMapping",
            EventSourceArn={"Fn::GetAtt": ["Queue", "Arn"]},
            FunctionName={"Ref": "Target"},
            BatchSize=5,
            FunctionResponseTypes=["ReportBatchItemFailures"],
            ScalingConfig={"MaximumConcurrency": 4},
        ),
    }

    assembly = read_resources(tmp_path, resources)

    dead, jobs = assembly.queues
    assert (jobs.visibility_timeout, jobs.redrive.queue_arn, jobs.redrive.max_receives) == (60, dead.arn, 3)
    assert assembly.event_sources == (
        EventSource(
            queue_arn=jobs.arn,
            function="target",
            batch_size=5,
            reports_batch_item_failures=True,
            max_concurrency=4,
        ),
    )


def test_rules_and_schedules_on_a_clock(tmp_path):
    arn = {"Fn::GetAtt": ["Target", "Arn"]}
    resources = {
        **TARGET,
        "Rule": resource(
            "AWS::Events::Rule",
            ScheduleExpression="rate(5 minutes)",
            Targets=[{"Arn": arn, "Input": '{"a": 1}'}],
        ),
        "Off": resource(
            "AWS::Events::Rule", ScheduleExpression="rate(1 day)", State="DISABLED", Targets=[{"Arn": arn}]
        ),
        "Night": resource(
            "AWS::Scheduler::Schedule",
            ScheduleExpression="cron(0 3 * * ? *)",
            ScheduleExpressionTimezone="Europe/Berlin",
            Target={"Arn": arn},
        ),
    }

    rule, night = read_resources(tmp_path, resources).schedules

    assert (rule.expression, rule.function, rule.input) == ("rate(5 minutes)", "target", '{"a": 1}')
    assert (night.expression, night.timezone) == ("cron(0 3 * * ? *)", "Europe/Berlin")


def test_a_trigger_runs_its_function_before_those_that_depend_on_it(tmp_path):
    resources = {
        "Migrate": function(FunctionName="migrate"),
        "Version": resource("AWS::Lambda::Version", FunctionName={"Ref": "Migrate"}),
        "Later": resource("Custom::Trigger", ["First"], HandlerArn={"Ref": "Version"}, ServiceToken="arn:x"),
        "First": resource("Custom::Trigger", HandlerArn={"Ref": "Version"}, ServiceToken="arn:x"),
        "Site": function(FunctionName="site") | {"DependsOn": ["Later"]},
    }

    assert read_resources(tmp_path, resources).triggers == (
        Trigger(name="First", function="migrate"),
        Trigger(name="Later", function="migrate", before=("site",)),
    )


def test_a_database_has_the_master_that_the_secret_names(tmp_path):
    resources = {
        "Db": resource(
            "AWS::RDS::DBInstance",
            Engine="postgres",
            DBName="chat",
            MasterUsername="master",
            ManageMasterUserPassword=True,
        ),
        "Target": function(
            FunctionName="target",
            Environment={
                "Variables": {
                    "HOST": {"Fn::GetAtt": ["Db", "Endpoint.Address"]},
                    "PORT": {"Fn::GetAtt": ["Db", "Endpoint.Port"]},
                    "PASSWORD": {
                        "Fn::Join": [
                            "",
                            [
                                "{{resolve:secretsmanager:",
                                {"Fn::GetAtt": ["Db", "MasterUserSecret.SecretArn"]},
                                ":SecretString:password::}}",
                            ],
                        ]
                    },
                }
            },
        ),
    }

    assembly = read_resources(tmp_path, resources)

    [database] = assembly.databases
    environment = assembly.functions["target"].environment
    assert (database.database, database.master_username, database.port) == ("chat", "master", 5432)
    assert environment == {"HOST": "127.0.0.1", "PORT": "5432", "PASSWORD": database.master_password}


def test_a_distribution_leads_to_its_apis_and_buckets(tmp_path):
    (tmp_path / "site").mkdir()
    domain = {"Fn::Join": ["", [{"Ref": "Api"}, ".execute-api.", {"Ref": "AWS::Region"}, ".amazonaws.com"]]}
    viewer_except_host = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
    resources = {
        **TARGET,
        **websocket_api("Target", ["$default"]),
        "Bucket": resource("AWS::S3::Bucket"),
        "Files": resource(
            "Custom::CDKBucketDeployment",
            ServiceToken="arn:x",
            DestinationBucketName={"Ref": "Bucket"},
            DestinationBucketKeyPrefix="static/",
            SourceObjectKeys=["site.zip"],
            Exclude=["*.map"],
            SystemMetadata={"cache-control": "max-age=60"},
        ),
        "Headers": resource(
            "AWS::CloudFront::ResponseHeadersPolicy",
            ResponseHeadersPolicyConfig={
                "SecurityHeadersConfig": {
                    "ContentSecurityPolicy": {
                        "ContentSecurityPolicy": "default-src 'self'",
                        "Override": True,
                    },
                    "FrameOptions": {"FrameOption": "DENY", "Override": True},
                },
                "CustomHeadersConfig": {"Items": [{"Header": "X-A", "Value": "b", "Override": True}]},
            },
        ),
        "Front": resource(
            "AWS::CloudFront::Distribution",
            DistributionConfig={
                "DefaultRootObject": "index.html",
                "Origins": [
                    {"Id": "site", "DomainName": {"Fn::GetAtt": ["Bucket", "RegionalDomainName"]}},
                    {
                        "Id": "api",
                        "DomainName": domain,
                        "OriginCustomHeaders": [{"HeaderName": "x-secret", "HeaderValue": "s"}],
                    },
                    {"Id": "far", "DomainName": "example.com"},
                ],
                "DefaultCacheBehavior": {
                    "TargetOriginId": "site",
                    "ResponseHeadersPolicyId": {"Ref": "Headers"},
                },
                "CacheBehaviors": [
                    {
                        "PathPattern": "/prod",
                        "TargetOriginId": "api",
                        "AllowedMethods": ["GET", "POST"],
                        "OriginRequestPolicyId": viewer_except_host,
                        "ResponseHeadersPolicyId": "67f7725c-6f97-4210-82d7-5512b31e9d03",
                    },
                    {"PathPattern": "/far/*", "TargetOriginId": "far"},
                ],
            },
        ),
    }
    folder = write_assembly(
        tmp_path / "out", {"stack": {"Resources": resources}}, {"site.zip": (str(tmp_path / "site"), "zip")}
    )

    assembly = read(folder, site(tmp_path))

    [front], [bucket] = assembly.distributions, assembly.buckets
    api, files = front.behaviours
    assert (front.domain_name, front.default_root_object) == ("127.0.0.1:8000", "index.html")
    assert (api.pattern, api.origin.kind, api.origin.target) == (
        "/prod",
        "api",
        assembly.websocket_apis[0].id,
    )
    assert (api.origin.custom_headers, api.forwards_host) == ({"x-secret": "s"}, False)
    assert api.response_headers["X-Content-Type-Options"] == "nosniff"
    assert (files.pattern, files.origin.kind, files.origin.target) == ("*", "bucket", bucket.name)
    assert files.response_headers == {
        "Content-Security-Policy": "default-src 'self'",
        "X-Frame-Options": "DENY",
        "X-A": "b",
    }
    [deployed] = bucket.files
    assert (deployed.folder, deployed.prefix, deployed.cache_control) == (
        tmp_path / "site",
        "static",
        "max-age=60",
    )
    assert [u.meaning for u in assembly.unsupported] == [
        "its origin example.com is no API or bucket of the assembly: its paths answer 404"
    ]


@pytest.mark.parametrize(
    ("made", "meaning"),
    [
        (resource("AWS::Kinesis::Stream"), "what uses it fails"),
        (resource("AWS::SNS::Subscription", Protocol="email", Endpoint="a@b.example"), "no email leaves"),
        (function(Runtime="nodejs22.x"), "its runtime is nodejs22.x"),
        (function(PackageType="Image", Code={"ImageUri": "x"}, Runtime=None), "it is a container image"),
        (function(Code={"S3Bucket": "elsewhere", "S3Key": "code.zip"}), "its code isn't in the assembly"),
        (resource("Custom::Own", ServiceToken="arn:x"), "its provider isn't called"),
        (resource("AWS::Serverless::Function"), "no transform is applied here"),
        (
            resource("AWS::ApiGatewayV2::Api", ProtocolType="HTTP", Body={"openapi": "3.0.1"}),
            "OpenAPI definition",
        ),
        (
            resource("AWS::SNS::Subscription", Protocol="lambda", Endpoint="arn:f"),
            "is no function that runs here",
        ),
        (resource("AWS::DynamoDB::Table", KinesisStreamSpecification={"StreamArn": "x"}), "sent to Kinesis"),
        (
            resource(
                "Custom::S3BucketNotifications",
                BucketName="b",
                NotificationConfiguration={"EventBridgeConfiguration": {}},
            ),
            "its events aren't sent to EventBridge",
        ),
        (resource("AWS::Events::Rule", EventPattern={"source": ["x"]}), "only rules on a clock"),
        (
            resource("AWS::Events::Rule", ScheduleExpression="rate(0 days)", Targets=[{"Arn": "x"}]),
            "never runs",
        ),
        (resource("AWS::RDS::DBInstance", Engine="mysql"), "only PostgreSQL runs here"),
        (resource("AWS::ApiGatewayV2::Authorizer", AuthorizerType="JWT"), "open to everyone here"),
    ],
)
def test_what_doesnt_run_is_named_with_what_that_means(tmp_path, made, meaning):
    unsupported = read_resources(tmp_path, {"It": made}).unsupported

    assert unsupported[0].logical_id == "It"
    assert meaning in unsupported[0].meaning


def test_a_missing_permission_is_named(tmp_path):
    resources = {**TARGET, **websocket_api("Target", ["say"])}
    del resources["Permission"]

    [unsupported] = read_resources(tmp_path, resources).unsupported

    assert (
        unsupported.meaning
        == "nothing permits API Gateway to invoke target: its route say answers 500, as on AWS"
    )


def test_what_has_no_part_here_is_left_out_with_a_reason(tmp_path):
    assembly = read_resources(
        tmp_path, {"Vpc": resource("AWS::EC2::VPC"), "Log": resource("AWS::Logs::LogGroup")}
    )

    assert assembly.unsupported == ()
    assert {skipped.type for skipped in assembly.skipped} == {"AWS::EC2::VPC", "AWS::Logs::LogGroup"}


@pytest.mark.parametrize("damage", ["no folder", "no manifest", "half a manifest", "no template", "no asset"])
def test_a_damaged_assembly_is_one_sentence(tmp_path, damage):
    target = function(FunctionName="target", Code={"S3Bucket": "b", "S3Key": "abc.zip"})
    folder = write_assembly(
        tmp_path / "out", {"stack": {"Resources": {"T": target}}}, {"abc.zip": ("gone", "zip")}
    )
    match damage:
        case "no folder":
            folder = tmp_path / "nowhere"
        case "no manifest":
            (folder / "manifest.json").unlink()
        case "half a manifest":
            (folder / "manifest.json").write_text('{"artifacts": {')
        case "no template":
            (folder / "stack.template.json").unlink()

    with pytest.raises(StackError, match="cdk synth"):
        read(folder, site(tmp_path))


def test_stages_of_a_cdk_app_are_read_too(tmp_path):
    write_assembly(tmp_path / "out" / "inner", {"stack": {"Resources": TARGET}})
    manifest = {
        "artifacts": {"stage": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "inner"}}}
    }
    (tmp_path / "out" / "manifest.json").write_text(json.dumps(manifest))

    assert set(read(tmp_path / "out", site(tmp_path)).functions) == {"target"}


def test_a_deployments_markers_get_their_values_with_addresses_that_lead_here(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "config.json").write_text('{"socket": "<<marker:0>>", "table": <<marker:1>>}')
    host = ["wss://", {"Ref": "Api"}, ".execute-api.", {"Ref": "AWS::Region"}, ".amazonaws.com/prod"]
    resources = {
        **TARGET,
        **websocket_api("Target", ["$default"]),
        "Bucket": resource("AWS::S3::Bucket", BucketName="site"),
        "Files": resource(
            "Custom::CDKBucketDeployment",
            ServiceToken="arn:x",
            DestinationBucketName="site",
            SourceObjectKeys=["plain.zip", "data.zip"],
            SourceMarkers=[{}, {"<<marker:0>>": {"Fn::Join": ["", host]}, "<<marker:1>>": '"a"'}],
        ),
    }
    assets = {f"{name}.zip": (str(tmp_path / "data"), "zip") for name in ("plain", "data")}
    folder = write_assembly(tmp_path / "out", {"stack": {"Resources": resources}}, assets)

    for _ in range(2):
        [bucket] = read(folder, site(tmp_path)).buckets
        plain, filled = ((files.folder / "config.json").read_text() for files in bucket.files)
        assert plain == '{"socket": "<<marker:0>>", "table": <<marker:1>>}'
        assert filled == '{"socket": "ws://127.0.0.1:8000/prod", "table": "a"}'
