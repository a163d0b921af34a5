"""What the templates cost, by the price list that lies beside the code; docs/cost.md says the same."""

from __future__ import annotations

import re

import pytest

from dev import cost
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
    printed = cost.table(lines, 100, "2026-11-25").splitlines()
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
