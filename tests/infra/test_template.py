"""What is deployed: routes, the distribution, the network, the database, and in which order."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.infra.reading import functions, name_of, shown, variables

FUNCTIONS = {
    "parlor-websocket",
    "parlor-http",
    "parlor-delivery",
    "parlor-sessions",
    "parlor-broadcast",
    "parlor-migrate",
}
USING_DATABASE = FUNCTIONS - {"parlor-delivery"}


@pytest.fixture(params=["try", "production", "laptop"])
def template(request, assembly):
    return assembly(request.param)


@pytest.fixture
def deployed(assembly):
    return assembly("try")


def test_six_functions_each_at_its_own_handler(template):
    assert set(functions(template)) == FUNCTIONS
    for name, has in functions(template).items():
        assert has["Handler"] == f"lambda_handlers.{name.removeprefix('parlor-')}.handler"
        assert has["Runtime"] == "python3.13"
        assert has["Architectures"] == ["arm64"]


def test_each_action_is_a_route_that_answers(template):
    _, api = template.the("AWS::ApiGatewayV2::Api", ProtocolType="WEBSOCKET")
    assert api["RouteSelectionExpression"] == "$request.body.action"
    routes = {
        has["RouteKey"]: (name, has)
        for name, has in template.of("AWS::ApiGatewayV2::Route").items()
        if "RouteResponseSelectionExpression" in has or has["RouteKey"] in ("$connect", "$disconnect")
    }
    assert set(routes) == {
        "$connect",
        "$disconnect",
        "$default",
        "chat_message",
        "edit_message",
        "delete_message",
        "fetch_history",
        "change_channel",
        "report_message",
        "restrict_person",
        "lift_restriction",
        "fetch_unread",
        "who_is_here",
        "typing",
        "ping",
    }
    answering = {
        has["RouteId"]["Ref"]
        for has in template.of("AWS::ApiGatewayV2::RouteResponse").values()
        if has["RouteResponseKey"] == "$default"
    }
    assert answering == {name for key, (name, _) in routes.items() if key not in ("$connect", "$disconnect")}


def test_every_route_but_ping_may_invoke_the_websocket_function(template):
    permitted = {
        json.dumps(has["SourceArn"])
        for has in template.of("AWS::Lambda::Permission").values()
        if has["Principal"] == "apigateway.amazonaws.com"
    }
    for key in ("$connect", "$disconnect", "$default", "chat_message", "fetch_history", "change_channel"):
        assert any(source.endswith(f'*{key}"]]}}') for source in permitted), key


def test_ping_is_answered_by_the_gateway(template):
    integration_id, integration = template.the("AWS::ApiGatewayV2::Integration", IntegrationType="MOCK")
    _, response = template.the("AWS::ApiGatewayV2::IntegrationResponse")
    _, route = template.the("AWS::ApiGatewayV2::Route", RouteKey="ping")
    selected = integration["TemplateSelectionExpression"]
    assert json.loads(integration["RequestTemplates"][selected]) == {"statusCode": 200}
    assert json.loads(response["ResponseTemplates"][response["TemplateSelectionExpression"]]) == {
        "type": "pong"
    }
    assert response["IntegrationId"] == {"Ref": integration_id}
    assert route["Target"] == {"Fn::Join": ["", ["integrations/", {"Ref": integration_id}]]}


def test_the_stage_is_named_like_its_path_on_the_distribution(template):
    api, _ = template.the("AWS::ApiGatewayV2::Api", ProtocolType="WEBSOCKET")
    _, stage = template.the("AWS::ApiGatewayV2::Stage", ApiId={"Ref": api})
    assert stage["StageName"] == "ws"
    assert stage["AutoDeploy"] is True


def behaviours(template) -> dict[str, dict[str, Any]]:
    _, distribution = template.the("AWS::CloudFront::Distribution")
    return {has["PathPattern"]: has for has in distribution["DistributionConfig"]["CacheBehaviors"]}


def test_the_distribution_hands_everything_but_the_host_to_the_apis(template):
    for path in ("/ws", "/api/*", "/accounts/*", "/admin*"):
        has = behaviours(template)[path]
        assert set(has["AllowedMethods"]) == {"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"}
        assert has["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"  # CachingDisabled
        assert (
            has["OriginRequestPolicyId"] == "b689b0a8-53d0-40ab-baf2-68738e2966ac"
        )  # AllViewerExceptHostHeader
    assert set(behaviours(template)) == {"/ws", "/api/*", "/accounts/*", "/admin*", "/static/*"}


def test_the_distribution_proves_itself_to_the_apis_with_the_secret_that_they_expect(template):
    _, distribution = template.the("AWS::CloudFront::Distribution")
    origins = distribution["DistributionConfig"]["Origins"]
    proofs = [each["OriginCustomHeaders"] for each in origins if "CustomOriginConfig" in each]
    accepted = shown(template, variables(template, "parlor-websocket")["GATEWAY_SECRETS"]).split(",")
    assert len(proofs) == 2
    for headers in proofs:
        [header] = headers
        assert header["HeaderName"] == "X-Ws-Gateway-Secret"
        # The next one is accepted before it is sent.
        assert shown(template, header["HeaderValue"]) == accepted[0]
    assert len(accepted) == 2


def test_error_pages_hide_no_refusal(template):
    _, distribution = template.the("AWS::CloudFront::Distribution")
    assert "CustomErrorResponses" not in distribution["DistributionConfig"]
    assert distribution["DistributionConfig"]["DefaultRootObject"] == "index.html"


def test_the_site_is_only_readable_through_the_distribution(template):
    for bucket in template.of("AWS::S3::Bucket").values():
        assert all(bucket["PublicAccessBlockConfiguration"].values())
    _, distribution = template.the("AWS::CloudFront::Distribution")
    [site] = [each for each in distribution["DistributionConfig"]["Origins"] if "S3OriginConfig" in each]
    assert site["OriginAccessControlId"]
    assert site["S3OriginConfig"]["OriginAccessIdentity"] == ""


def test_the_sites_policy_is_strict(template):
    _, policy = template.the("AWS::CloudFront::ResponseHeadersPolicy")
    headers = policy["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    csp = headers["ContentSecurityPolicy"]["ContentSecurityPolicy"]
    directives = dict(directive.split(" ", 1) for directive in csp.split("; "))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == directives["style-src"] == directives["connect-src"] == "'self'"
    assert "unsafe" not in csp
    assert headers["FrameOptions"]["FrameOption"] == "DENY"


def test_files_with_a_hash_stay_and_pages_are_asked_for_again(template):
    deployments = {
        (tuple(has.get("Include", ())), tuple(has.get("Exclude", ()))): has
        for has in template.of("Custom::CDKBucketDeployment").values()
    }
    assert deployments[("assets/*",), ("*",)]["SystemMetadata"]["cache-control"].endswith("immutable")
    assert deployments[(), ("assets/*",)]["SystemMetadata"]["cache-control"] == "no-cache"
    assert deployments[(), ()]["DestinationBucketKeyPrefix"] == "static/"
    assert all(has["Prune"] is False for has in deployments.values())


def test_functions_that_hold_data_have_no_way_to_the_internet(template):
    assert template.of("AWS::EC2::InternetGateway") == {}
    assert template.of("AWS::EC2::NatGateway") == {}
    for name, has in functions(template).items():
        assert ("VpcConfig" in has) == (name in USING_DATABASE)


def test_the_queue_is_reachable_from_the_subnets_by_its_own_name(template):
    _, endpoint = template.the("AWS::EC2::VPCEndpoint")
    assert json.dumps(endpoint["ServiceName"]).count(".sqs") == 1
    assert endpoint["PrivateDnsEnabled"] is True
    [statement] = endpoint["PolicyDocument"]["Statement"]
    assert statement["Action"] == "sqs:SendMessage"
    assert json.dumps(statement["Resource"]).endswith(':parlor-*"]]}')
    assert statement["Condition"] == {"StringEquals": {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}}}
    # From the functions on 443, and nothing else.
    [group] = [each["Fn::GetAtt"][0] for each in endpoint["SecurityGroupIds"]]
    [rule] = [
        each
        for each in template.of("AWS::EC2::SecurityGroupIngress").values()
        if each["GroupId"]["Fn::GetAtt"][0] == group
    ]
    assert (rule["FromPort"], rule["ToPort"]) == (443, 443)
    assert name_of(template, rule["SourceSecurityGroupId"]["Fn::GetAtt"][0]) == "NetworkFunctionsGroup"


def test_functions_send_to_the_queues_own_host(template):
    """Not to the legacy host, which resolves to the internet: they are told the queue's own address."""
    for name in ("parlor-websocket", "parlor-sessions", "parlor-broadcast", "parlor-delivery"):
        assert shown(template, variables(template, name)["DELIVERY_QUEUE_URL"]) == "parlor-deliveries"


def test_groups_let_nobody_in_from_an_address(template):
    rules = [
        *template.of("AWS::EC2::SecurityGroupIngress").values(),
        *(
            rule
            for has in template.of("AWS::EC2::SecurityGroup").values()
            for rule in has.get("SecurityGroupIngress", ())
        ),
    ]
    assert rules
    assert not any("CidrIp" in rule or "CidrIpv6" in rule for rule in rules)


def test_the_database_is_private_encrypted_and_speaks_tls_only(template):
    _, database = template.the("AWS::RDS::DBInstance")
    _, parameters = template.the("AWS::RDS::DBParameterGroup")
    assert database["PubliclyAccessible"] is False
    assert database["StorageEncrypted"] is True
    assert database["EnableIAMDatabaseAuthentication"] is True
    assert database["ManageMasterUserPassword"] is True
    assert database["CACertificateIdentifier"] == "rds-ca-rsa2048-g1"
    assert parameters["Parameters"]["rds.force_ssl"] == "1"


def test_the_database_is_kept_or_copied_when_its_stack_goes(assembly):
    policies = {}
    for profile in ("try", "production"):
        [database] = [
            resource
            for resource in assembly(profile).resources.values()
            if resource["Type"] == "AWS::RDS::DBInstance"
        ]
        policies[profile] = (
            database["DeletionPolicy"],
            database["Properties"].get("DeletionProtection", False),
        )
    assert policies == {"try": ("Snapshot", False), "production": ("Retain", True)}


def test_migrations_come_before_every_function_that_uses_the_database(template):
    trigger, has = template.the("Custom::Trigger")
    version = has["HandlerArn"]["Ref"]
    handler = template.of("AWS::Lambda::Version")[version]["FunctionName"]["Ref"]
    assert template.resources[handler]["Properties"]["FunctionName"] == "parlor-migrate"
    waiting = {
        resource["Properties"]["FunctionName"]
        for resource in template.resources.values()
        if resource["Type"] == "AWS::Lambda::Function"
        and trigger in resource.get("DependsOn", [])
        and "FunctionName" in resource["Properties"]
    }
    assert waiting == USING_DATABASE - {"parlor-migrate"}


def test_sessions_are_cleaned_up_on_a_schedule(template):
    _, rule = template.the("AWS::Events::Rule")
    target = rule["Targets"][0]["Arn"]["Fn::GetAtt"][0]
    assert rule["ScheduleExpression"].startswith("rate(")
    assert template.resources[target]["Properties"]["FunctionName"] == "parlor-sessions"


def test_nothing_waits_for_itself(template):
    for stack in template.templates.values():
        needs = {name: _mentioned(resource) for name, resource in stack["Resources"].items()}
        done: set[str] = set()
        while ready := {
            name for name, others in needs.items() if name not in done and others & needs.keys() <= done
        }:
            done |= ready
        assert done == needs.keys()


def _mentioned(value: Any) -> set[str]:
    found: set[str] = set()
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "Ref":
                found.add(inner)
            elif key == "Fn::GetAtt":
                found.add(inner[0])
            elif key == "DependsOn":
                found |= {inner} if isinstance(inner, str) else set(inner)
            else:
                found |= _mentioned(inner)
    elif isinstance(value, list):
        for inner in value:
            found |= _mentioned(inner)
    return found


def test_the_outputs_tell_where_the_chat_is(deployed):
    domain = {"Fn::GetAtt": [deployed.the("AWS::CloudFront::Distribution")[0], "DomainName"]}
    assert deployed.outputs["ChatUrl"]["Value"] == {"Fn::Join": ["", ["https://", domain, "/"]]}
    assert deployed.outputs["WebSocketUrl"]["Value"] == {"Fn::Join": ["", ["wss://", domain, "/ws"]]}
    name = deployed.outputs["BroadcastFunctionName"]["Value"]["Ref"]
    assert deployed.resources[name]["Properties"]["FunctionName"] == "parlor-broadcast"
