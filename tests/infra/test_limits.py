"""Limits as relations: what must be longer, larger or earlier than what."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.configuration import PROFILES
from tests.infra.reading import functions, name_of, shown

ACCOUNT_REQUESTS, ACCOUNT_BURST, ACCOUNT_CONNECTS = 10_000, 5_000, 500
INTEGRATION_SECONDS = 29
RESERVED_BY_POSTGRESQL_AND_RDS = 10
FUNCTIONS = {
    f"parlor-{name}" for name in ("websocket", "http", "delivery", "sessions", "broadcast", "migrate")
}
USING_DATABASE = FUNCTIONS - {"parlor-delivery"}


@pytest.fixture(params=["try", "production", "laptop"])
def template(request, assembly):
    return assembly(request.param)


@pytest.fixture(params=["try", "production"])
def deployed(request, assembly):
    return assembly(request.param)


def stages(template) -> dict[str, dict[str, Any]]:
    return {has["StageName"]: has for has in template.of("AWS::ApiGatewayV2::Stage").values()}


def test_a_queue_hides_a_message_six_times_as_long_as_its_function_may_take(template):
    for mapping in template.of("AWS::Lambda::EventSourceMapping").values():
        queue = template.resources[mapping["EventSourceArn"]["Fn::GetAtt"][0]]["Properties"]
        function = template.resources[mapping["FunctionName"]["Ref"]]["Properties"]
        assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        # What a reservation refuses counts as received in vain.
        most = mapping["ScalingConfig"]["MaximumConcurrency"]
        assert 2 <= most <= function.get("ReservedConcurrentExecutions", most)


def test_every_queue_ends_in_dead_letters_that_are_kept_longer(template):
    queues = {has["QueueName"]: (name, has) for name, has in template.of("AWS::SQS::Queue").items()}
    assert set(queues) == {"parlor-deliveries", "parlor-deliveries-dead", "parlor-gone", "parlor-gone-dead"}
    for name in ("parlor-deliveries", "parlor-gone"):
        has = queues[name][1]
        dead_id, dead = queues[f"{name}-dead"]
        assert has["RedrivePolicy"]["deadLetterTargetArn"] == {"Fn::GetAtt": [dead_id, "Arn"]}
        assert has["RedrivePolicy"]["maxReceiveCount"] >= 5
        assert dead["MessageRetentionPeriod"] > has["MessageRetentionPeriod"]
        # Received in vain as often as it may be, it is still there to be set aside.
        assert (
            has["RedrivePolicy"]["maxReceiveCount"] * has["VisibilityTimeout"] < has["MessageRetentionPeriod"]
        )


def test_the_gateway_gives_up_no_earlier_than_the_functions(template):
    for name in ("parlor-websocket", "parlor-http"):
        assert functions(template)[name]["Timeout"] <= INTEGRATION_SECONDS


def test_the_database_has_a_connection_for_whatever_may_run_at_once(deployed):
    """Twice: after a deployment the environments of the old code keep theirs for a while."""
    reserved = {name: functions(deployed)[name]["ReservedConcurrentExecutions"] for name in USING_DATABASE}
    passing = reserved.pop("parlor-migrate")
    [parameters] = deployed.of("AWS::RDS::DBParameterGroup").values()
    most = int(parameters["Parameters"]["max_connections"])
    assert 2 * sum(reserved.values()) + passing + RESERVED_BY_POSTGRESQL_AND_RDS <= most
    assert "ReservedConcurrentExecutions" not in functions(deployed)["parlor-delivery"]


def test_where_an_account_has_nothing_to_reserve_its_own_limit_is_below_the_databases():
    new_account = 10
    for configuration in PROFILES.values():
        assert 2 * new_account + RESERVED_BY_POSTGRESQL_AND_RDS <= configuration.database_connections


def test_stages_take_less_than_the_account_allows(deployed):
    sockets, pages = stages(deployed)["ws"], stages(deployed)["$default"]
    connects = sockets["RouteSettings"]["$connect"]
    assert connects["ThrottlingRateLimit"] < ACCOUNT_CONNECTS
    both = [sockets["DefaultRouteSettings"], pages["DefaultRouteSettings"]]
    # Half of the account's requests are left for posts to connections.
    assert sum(each["ThrottlingRateLimit"] for each in both) <= ACCOUNT_REQUESTS / 2
    for each in (*both, connects):
        assert each["ThrottlingRateLimit"] <= each["ThrottlingBurstLimit"] <= ACCOUNT_BURST


def test_an_office_behind_one_address_comes_back_within_a_minute(deployed):
    connects = stages(deployed)["ws"]["RouteSettings"]["$connect"]
    assert connects["ThrottlingRateLimit"] * 60 >= 500


def test_settings_of_a_route_come_after_the_route(template):
    for stage in template.resources.values():
        if stage["Type"] == "AWS::ApiGatewayV2::Stage" and "RouteSettings" in stage["Properties"]:
            before = {
                template.resources[name]["Properties"]["RouteKey"]
                for name in stage["DependsOn"]
                if template.resources[name]["Type"] == "AWS::ApiGatewayV2::Route"
            }
            assert set(stage["Properties"]["RouteSettings"]) <= before


def test_access_logs_tell_what_happened_and_no_secret(deployed):
    for stage in stages(deployed).values():
        line = json.loads(stage["AccessLogSettings"]["Format"])
        assert {"$context.status", "$context.requestId", "$context.identity.sourceIp"} <= set(line.values())
        assert not any("query" in value.lower() or "header" in value.lower() for value in line.values())


def test_logs_are_not_kept_for_ever(deployed):
    for name, group in deployed.of("AWS::Logs::LogGroup").items():
        assert group["RetentionInDays"] <= 90, name
    edge = next(
        has
        for name, has in deployed.of("AWS::S3::Bucket").items()
        if name_of(deployed, name) == "WebEdgeLogs"
    )
    [rule] = edge["LifecycleConfiguration"]["Rules"]
    assert rule["Status"] == "Enabled"
    assert rule["ExpirationInDays"] <= 90
    _, distribution = deployed.the("AWS::CloudFront::Distribution")
    assert shown(deployed, distribution["DistributionConfig"]["Logging"]["Bucket"]).startswith("WebEdgeLogs.")


def alarms(template) -> set[tuple[str, str]]:
    """Each alarm as what it watches and which measure."""
    return {
        (
            "/".join(sorted(shown(template, each["Value"]) for each in has["Dimensions"])),
            has["MetricName"],
        )
        for has in template.of("AWS::CloudWatch::Alarm").values()
    }


def test_whatever_would_go_unnoticed_has_an_alarm(deployed):
    assert alarms(deployed) >= {
        ("parlor-deliveries-dead.QueueName", "ApproximateNumberOfMessagesVisible"),
        ("parlor-gone-dead.QueueName", "ApproximateNumberOfMessagesVisible"),
        ("Database", "CPUUtilization"),
        ("Database", "DatabaseConnections"),
        ("Database", "FreeStorageSpace"),
        ("HttpApi", "5xx"),
        ("WebSocketApi/ws", "IntegrationError"),
        ("parlor-delivery", "Errors"),
        ("parlor-sessions", "Errors"),
    }
    for has in deployed.of("AWS::CloudWatch::Alarm").values():
        assert [shown(deployed, action) for action in has["AlarmActions"]] == ["parlor-alarms"]


def test_production_has_an_alarm_for_every_limit(assembly):
    found = alarms(assembly("production"))
    assert {(name, measure) for name in FUNCTIONS for measure in ("Errors", "Throttles")} <= found
    assert ("parlor-deliveries.QueueName", "ApproximateAgeOfOldestMessage") in found
