"""What a template says of APIs, distributions and buckets, in the types that they run from."""

import pytest

from local_aws.model import (
    Cors,
    ErrorPage,
    IntegrationResponse,
    LambdaAuthorizer,
    LambdaIntegration,
    ServiceIntegration,
    Throttle,
)
from tests.local_aws.assembly_files import function, read_resources, websocket_api

TARGET = {"Target": function(FunctionName="target")}
FUNCTIONS = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/"


def resource(kind, **properties):
    return {"Type": kind, "Properties": properties}


def test_an_authorizer_belongs_to_the_route_that_names_it(tmp_path):
    guard = {"Guard": function(FunctionName="guard")}
    resources = {**TARGET, **guard, **websocket_api("Target", ["$connect", "x"])}
    resources["Authorizer"] = resource(
        "AWS::ApiGatewayV2::Authorizer",
        ApiId={"Ref": "Api"},
        AuthorizerType="REQUEST",
        AuthorizerUri={"Fn::Join": ["", [FUNCTIONS, {"Fn::GetAtt": ["Guard", "Arn"]}, "/invocations"]]},
        IdentitySource=["route.request.querystring.token"],
        Name="tokens",
    )
    resources["Route0"]["Properties"] |= {
        "AuthorizationType": "CUSTOM",
        "AuthorizerId": {"Ref": "Authorizer"},
    }

    [api] = read_resources(tmp_path, resources).websocket_apis

    authorizer = api.routes["$connect"].authorizer
    assert authorizer == LambdaAuthorizer(
        id=authorizer.id,
        name="tokens",
        function="guard",
        identity_sources=("route.request.querystring.token",),
        ttl_seconds=300,
    )
    assert api.routes["x"].authorizer is None


def test_a_service_integration_has_all_that_its_request_is_made_of(tmp_path):
    resources = {**TARGET, **websocket_api("Target", ["send"])}
    resources["Integration"] = resource(
        "AWS::ApiGatewayV2::Integration",
        ApiId={"Ref": "Api"},
        IntegrationType="AWS",
        IntegrationMethod="POST",
        IntegrationUri="arn:aws:apigateway:us-east-1:sqs:path/123456789012/jobs",
        CredentialsArn="arn:aws:iam::123456789012:role/sends",
        PassthroughBehavior="NEVER",
        RequestParameters={
            "integration.request.header.Content-Type": "'application/x-www-form-urlencoded'",
            "integration.request.querystring.x": "context.connectionId",
        },
        RequestTemplates={"$default": "Action=SendMessage"},
        TemplateSelectionExpression="\\$default",
        TimeoutInMillis=5000,
    )
    resources["Answer"] = resource(
        "AWS::ApiGatewayV2::IntegrationResponse",
        ApiId={"Ref": "Api"},
        IntegrationId={"Ref": "Integration"},
        IntegrationResponseKey="$default",
        ResponseTemplates={"$default": "sent"},
    )

    [api] = read_resources(tmp_path, resources).websocket_apis

    sent = IntegrationResponse(templates={"$default": "sent"}, template_selection="\\$default")
    assert api.routes["send"].integration == ServiceIntegration(
        service="sqs",
        path="path/123456789012/jobs",
        method="POST",
        role_arn="arn:aws:iam::123456789012:role/sends",
        headers={"Content-Type": "'application/x-www-form-urlencoded'"},
        query={"x": "context.connectionId"},
        request_templates={"$default": "Action=SendMessage"},
        template_selection="\\$default",
        passes_through=False,
        responses={"$default": sent},
        timeout_ms=5000,
    )


def test_a_stage_has_variables_and_limits_of_its_routes(tmp_path):
    resources = {**TARGET, **websocket_api("Target", ["few", "many"])}
    resources["Stage"]["Properties"] |= {
        "StageVariables": {"table": "orders"},
        "RouteSettings": {"few": {"ThrottlingRateLimit": 1, "ThrottlingBurstLimit": 2}},
    }

    [api] = read_resources(tmp_path, resources).websocket_apis

    assert api.variables == {"table": "orders"}
    assert api.routes["few"].throttle == Throttle(rate=1, burst=2)
    assert api.routes["many"].throttle is None


def test_an_integrations_role_invokes_the_function_in_its_name(tmp_path):
    resources = {**TARGET, **websocket_api("Target", ["x"])}
    resources["Integration"]["Properties"]["CredentialsArn"] = "arn:aws:iam::123456789012:role/invokes"

    [api] = read_resources(tmp_path, resources).websocket_apis

    assert api.routes["x"].integration == LambdaIntegration(
        function="target", role_arn="arn:aws:iam::123456789012:role/invokes"
    )


def test_an_http_api_has_its_cors_configuration(tmp_path):
    resources = {
        "Api": resource(
            "AWS::ApiGatewayV2::Api",
            Name="site",
            ProtocolType="HTTP",
            CorsConfiguration={
                "AllowOrigins": ["https://a.example"],
                "AllowMethods": ["GET"],
                "AllowHeaders": ["x"],
                "ExposeHeaders": ["y"],
                "AllowCredentials": True,
                "MaxAge": 60,
            },
        ),
        "Stage": resource("AWS::ApiGatewayV2::Stage", ApiId={"Ref": "Api"}, StageName="$default"),
    }

    [api] = read_resources(tmp_path, resources).http_apis

    assert api.cors == Cors(
        origins=("https://a.example",),
        methods=("GET",),
        headers=("x",),
        exposed=("y",),
        credentials=True,
        max_age=60,
    )


def distribution_of(tmp_path, *, behaviour=(), policy=None, statement=None, **configuration):
    """A distribution in front of a bucket, and that bucket."""
    resources = {
        "Files": resource("AWS::S3::Bucket"),
        "Front": resource(
            "AWS::CloudFront::Distribution",
            DistributionConfig={
                "Origins": [{"Id": "o", "DomainName": {"Fn::GetAtt": ["Files", "RegionalDomainName"]}}],
                "DefaultCacheBehavior": {"TargetOriginId": "o", **dict(behaviour)},
                **configuration,
            },
        ),
    }
    if policy is not None:
        resources["Policy"] = resource(
            "AWS::CloudFront::ResponseHeadersPolicy", ResponseHeadersPolicyConfig=policy
        )
    if statement is not None:
        allowing = {"Effect": "Allow", "Principal": "*", "Resource": "*", **statement}
        resources["Reading"] = resource(
            "AWS::S3::BucketPolicy", Bucket={"Ref": "Files"}, PolicyDocument={"Statement": [allowing]}
        )
    assembly = read_resources(tmp_path, resources)
    return assembly.distributions[0], assembly.buckets[0]


def test_error_pages(tmp_path):
    front, _ = distribution_of(
        tmp_path,
        CustomErrorResponses=[
            {"ErrorCode": 403, "ResponseCode": 200, "ResponsePagePath": "/index.html"},
            {"ErrorCode": 500, "ErrorCachingMinTTL": 0},
        ],
    )

    assert front.error_pages == {
        403: ErrorPage(path="/index.html", status=200),
        500: ErrorPage(path=None, status=None),
    }


def test_a_policys_headers_replace_the_origins_or_not(tmp_path):
    front, _ = distribution_of(
        tmp_path,
        behaviour={"ResponseHeadersPolicyId": {"Ref": "Policy"}},
        policy={
            "SecurityHeadersConfig": {
                "FrameOptions": {"FrameOption": "DENY", "Override": True},
                "ReferrerPolicy": {"ReferrerPolicy": "no-referrer", "Override": False},
            },
            "CustomHeadersConfig": {"Items": [{"Header": "X-Us", "Value": "1", "Override": False}]},
            "RemoveHeadersConfig": {"Items": [{"Header": "Server"}]},
        },
    )
    [behaviour] = front.behaviours

    assert behaviour.response_headers == {"X-Frame-Options": "DENY"}
    assert behaviour.default_headers == {"Referrer-Policy": "no-referrer", "X-Us": "1"}
    assert behaviour.removed_headers == ("Server",)


def test_nothing_is_compressed_where_the_cache_policy_doesnt_keep_encodings(tmp_path):
    optimized = {"Compress": True, "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6"}
    disabled = {"Compress": True, "CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"}

    assert distribution_of(tmp_path / "a", behaviour=optimized)[0].behaviours[0].compress
    assert not distribution_of(tmp_path / "b", behaviour=disabled)[0].behaviours[0].compress
    assert not distribution_of(tmp_path / "c")[0].behaviours[0].compress


def test_a_bucket_can_be_listed_if_its_policy_says_so(tmp_path):
    listing = {"Action": ["s3:GetObject", "s3:ListBucket"]}

    assert distribution_of(tmp_path / "a", statement=listing)[1].listable
    assert not distribution_of(tmp_path / "b", statement={"Action": "s3:GetObject"})[1].listable
    assert not distribution_of(tmp_path / "c")[1].listable


@pytest.mark.parametrize(
    ("integration", "route", "meaning"),
    [
        ({"IntegrationType": "HTTP_PROXY"}, {}, "has an integration of type HTTP_PROXY, which isn't run"),
        ({"IntegrationType": "AWS", "IntegrationUri": "arn:x"}, {}, "of type AWS, which isn't run"),
        (
            {"IntegrationType": "MOCK", "RequestTemplates": {"a": "#set($x = 1)"}},
            {},
            "uses #set: directives aren't followed",
        ),
        ({"IntegrationType": "MOCK"}, {"AuthorizationType": "AWS_IAM"}, "asks for signed requests"),
        ({"IntegrationType": "MOCK"}, {"ApiKeyRequired": True}, "asks for an API key"),
        ({"IntegrationType": "MOCK"}, {"RequestModels": {"$default": "m"}}, "models of its route x"),
    ],
)
def test_what_a_route_has_that_isnt_run_is_named(tmp_path, integration, route, meaning):
    resources = {**TARGET, **websocket_api("Target", ["x"])}
    resources["Integration"] = resource("AWS::ApiGatewayV2::Integration", ApiId={"Ref": "Api"}, **integration)
    resources["Route0"]["Properties"] |= route

    [unsupported] = read_resources(tmp_path, resources).unsupported

    assert meaning in unsupported.meaning
