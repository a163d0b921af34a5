"""AWS WAF in front of the distribution, where the configuration wants it."""

from __future__ import annotations

from typing import Any

from aws_cdk import CfnOutput, Environment, Fn, Stack
from aws_cdk import aws_wafv2 as waf
from constructs import Construct

from infra.configuration import Configuration

REGION = "us-east-1"  # CloudFront takes it from nowhere else
_OUTPUT = "FirewallArn"
REQUESTS = 2_000
"""Of one address in five minutes, whatever it asks for. Messages in an open connection aren't requests."""
SIGN_INS = 100
"""Of one address in five minutes: forms sent to /accounts/, where passwords are guessed."""


class FirewallStack(Stack):
    """Rate rules, and AWS's lists of addresses that attack and of inputs that are known to be bad."""

    def __init__(self, scope: Construct, construct_id: str, *, configuration: Configuration) -> None:
        super().__init__(
            scope,
            construct_id,
            description="Parlor: firewall of the distribution",
            env=Environment(region=REGION),
        )
        rules = [
            _rate("SignIns", SIGN_INS, only=_sign_ins()),
            _rate("Requests", REQUESTS),
            _managed("AWSManagedRulesAmazonIpReputationList"),
            _managed("AWSManagedRulesKnownBadInputsRuleSet"),
        ]
        for priority, rule in enumerate(rules):
            rule["priority"] = priority
        acl = waf.CfnWebACL(
            self,
            "Firewall",
            name=configuration.prefix,
            scope="CLOUDFRONT",
            default_action=waf.CfnWebACL.DefaultActionProperty(allow=waf.CfnWebACL.AllowActionProperty()),
            visibility_config=_visible(configuration.prefix),
            rules=[waf.CfnWebACL.RuleProperty(**rule) for rule in rules],
        )
        CfnOutput(self, _OUTPUT, value=acl.attr_arn)

    @property
    def arn(self) -> str:
        """For stacks in whatever region."""
        return Fn.get_stack_output(self.stack_name, _OUTPUT, REGION)


def _visible(name: str) -> waf.CfnWebACL.VisibilityConfigProperty:
    return waf.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=True
    )


def _rate(name: str, limit: int, *, only: waf.CfnWebACL.StatementProperty | None = None) -> dict[str, Any]:
    return {
        "name": name,
        "action": waf.CfnWebACL.RuleActionProperty(block=waf.CfnWebACL.BlockActionProperty()),
        "statement": waf.CfnWebACL.StatementProperty(
            rate_based_statement=waf.CfnWebACL.RateBasedStatementProperty(
                aggregate_key_type="IP", limit=limit, evaluation_window_sec=300, scope_down_statement=only
            )
        ),
        "visibility_config": _visible(name),
    }


def _sign_ins() -> waf.CfnWebACL.StatementProperty:
    return waf.CfnWebACL.StatementProperty(
        and_statement=waf.CfnWebACL.AndStatementProperty(
            statements=[
                _matching(waf.CfnWebACL.FieldToMatchProperty(method={}), "POST", "EXACTLY"),
                _matching(waf.CfnWebACL.FieldToMatchProperty(uri_path={}), "/accounts/", "STARTS_WITH"),
            ]
        )
    )


def _matching(
    field: waf.CfnWebACL.FieldToMatchProperty, text: str, how: str
) -> waf.CfnWebACL.StatementProperty:
    return waf.CfnWebACL.StatementProperty(
        byte_match_statement=waf.CfnWebACL.ByteMatchStatementProperty(
            field_to_match=field,
            positional_constraint=how,
            search_string=text,
            text_transformations=[waf.CfnWebACL.TextTransformationProperty(priority=0, type="NONE")],
        )
    )


def _managed(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "override_action": waf.CfnWebACL.OverrideActionProperty(none={}),
        "statement": waf.CfnWebACL.StatementProperty(
            managed_rule_group_statement=waf.CfnWebACL.ManagedRuleGroupStatementProperty(
                vendor_name="AWS", name=name
            )
        ),
        "visibility_config": _visible(name),
    }
