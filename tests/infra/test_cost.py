"""What the templates cost, by the price list that lies beside the code; docs/cost.md says the same."""

from __future__ import annotations

import re

import pytest

from dev import alternatives, cost
from infra.paths import ROOT

PAGE = ROOT / "docs" / "cost.md"


def bill(template, people: int) -> list[cost.Line]:
    resources = cost.resources_of(template.folder)
    return cost.monthly(resources, cost.read(cost.PRICES), cost.read(cost.TRAFFIC), people)


def test_try_costs_less_than_25_dollars_when_nobody_uses_it(assembly):
    lines = bill(assembly("try"), 0)
    assert {line.kind for line in lines} == {"fixed"}
    assert cost.total(lines) < 25


def test_the_bill_ends_with_the_idle_month(assembly):
    lines = bill(assembly("try"), 100)
    printed = cost.table(lines, 100, "2026-09-24").splitlines()
    assert printed[-2] == f"Idle month: ${cost.total(lines, 'fixed'):.2f}"


def test_twice_as_many_people_cost_twice_as_much_and_nothing_more(assembly):
    some, more = (bill(assembly("try"), people) for people in (1_000, 2_000))
    assert cost.total(more, "use") == pytest.approx(2 * cost.total(some, "use"))
    assert cost.total(more, "fixed") == cost.total(some, "fixed")


def test_whatever_is_paid_by_the_hour_is_on_the_bill(assembly):
    named = " ".join(line.what for line in bill(assembly("production"), 0))
    for what in (
        "database db.t4g.medium, two zones",
        "interface endpoint, zones: 2",
        "secrets: 4",
        "alarms: ",
    ):
        assert what in named
    known = {
        "AWS::RDS::DBInstance",
        "AWS::EC2::VPCEndpoint",
        "AWS::SecretsManager::Secret",
        "AWS::CloudWatch::Alarm",
    }
    by_the_hour = known | {
        "AWS::EC2::EIP",
        "AWS::EC2::Instance",
        "AWS::EC2::NatGateway",
        "AWS::ECS::Service",
        "AWS::ElastiCache::ReplicationGroup",
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        "AWS::KMS::Key",
        "AWS::RDS::DBCluster",
        "AWS::RDS::DBProxy",
        "AWS::WAFv2::WebACL",
    }
    there = {resource["Type"] for resource in assembly("production").resources.values()}
    assert there & by_the_hour == known


@pytest.mark.parametrize("profile", ["try", "production"])
def test_the_documentation_says_the_same(assembly, profile):
    row = re.search(rf"^\| `{profile}` \|(.*)\|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert row is not None
    said = [float(cell.strip().replace(",", "")) for cell in row[1].split("|")]
    assert said == [round(cost.total(bill(assembly(profile), people)), 2) for people in (0, 100, 10_000)]


def test_the_documentation_has_the_alternatives_as_they_come_out(assembly):
    resources = cost.resources_of(assembly("try").folder)
    page = PAGE.read_text(encoding="utf-8")
    for row in alternatives.table(resources, cost.read(cost.PRICES), cost.read(cost.TRAFFIC)):
        assert row in page


def test_each_price_says_when_and_where_it_was_read_or_that_it_was_not():
    prices = cost.read(cost.PRICES)
    origins = prices["origins"]
    by_size = ("database_hour", "database_gib_month")
    names = {
        name
        for key, value in prices.items()
        if isinstance(value, int | float | dict) and key not in ("hours_a_month", "origins")
        for name in ([f"{key}.{size}" for size in value] if key in by_size else [key])
    }
    assert set(origins) == names
    read = re.compile(r"(unverified|20\d\d(-\d\d){0,2} (https://\S+|AWS's price list, \w+).*)")
    assert [name for name, origin in origins.items() if not read.fullmatch(origin)] == []


def test_what_people_type_is_told_in_small_rooms_only():
    traffic = cost.read(cost.TRAFFIC)
    small, large = (cost.usage({**traffic, "people_in_a_room": size}, 1_000) for size in (20, 21))
    assert small.typing > 0
    assert large.typing == 0
    assert large.pushes == 21 * large.messages
