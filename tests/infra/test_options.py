"""What the configuration adds on request: a domain, a firewall, snapshots, a mail address for alarms."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from infra.configuration import configuration_from
from infra.failure import Failure
from tests.infra.conftest import Assembly, run_app
from tests.infra.reading import name_of, shown

CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/0f1e2d3c"
EVERYTHING = {
    "profile": "production",
    "aws:cdk:bundling-stacks": [],
    "domain": "chat.example.com",
    "certificate_arn": CERTIFICATE,
    "zone_id": "Z0123456789",
    "zone_name": "example.com",
    "firewall": "true",
    "snap_start": "true",
    "alarm_email": "ops@example.com",
    "reserve_concurrency": "false",
    "api_logging_role": "false",
}


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    outdir = tmp_path_factory.mktemp("everything")
    done = run_app(outdir, EVERYTHING)
    assert done.returncode == 0, done.stderr
    return Assembly(outdir)


def test_the_chat_is_at_the_domain(template):
    _, distribution = template.the("AWS::CloudFront::Distribution")
    configuration = distribution["DistributionConfig"]
    assert configuration["Aliases"] == ["chat.example.com"]
    assert configuration["ViewerCertificate"]["AcmCertificateArn"] == CERTIFICATE
    assert configuration["ViewerCertificate"]["MinimumProtocolVersion"] == "TLSv1.2_2021"
    assert template.outputs["ChatUrl"]["Value"] == "https://chat.example.com/"
    records = {(has["Name"], has["Type"]) for has in template.of("AWS::Route53::RecordSet").values()}
    assert records == {("chat.example.com.", "A"), ("chat.example.com.", "AAAA")}
    for has in template.of("AWS::Lambda::Function").values():
        variables = has.get("Environment", {}).get("Variables", {})
        assert variables.get("PUBLIC_ORIGIN", "https://chat.example.com") == "https://chat.example.com"


def test_the_firewall_is_where_cloudfront_takes_it_from(template):
    _, distribution = template.the("AWS::CloudFront::Distribution")
    assert distribution["DistributionConfig"]["WebACLId"] == {
        "Fn::GetStackOutput": {
            "StackName": "parlor-firewall",
            "OutputName": "FirewallArn",
            "Region": "us-east-1",
        }
    }
    _, acl = template.the("AWS::WAFv2::WebACL")
    assert acl["Scope"] == "CLOUDFRONT"
    limits = [
        rule["Statement"]["RateBasedStatement"]["Limit"]
        for rule in acl["Rules"]
        if "RateBasedStatement" in rule["Statement"]
    ]
    assert limits == [100, 2_000]
    assert [rule["Priority"] for rule in acl["Rules"]] == [0, 1, 2, 3]


def test_websocket_events_go_to_what_has_a_snapshot(template):
    alias_id, alias = template.the("AWS::Lambda::Alias")
    _, version = template.the("AWS::Lambda::Version", FunctionName=alias["FunctionName"])
    assert alias["FunctionVersion"]["Fn::GetAtt"][1] == "Version"
    assert version
    function = template.resources[alias["FunctionName"]["Ref"]]["Properties"]
    assert function["FunctionName"] == "parlor-websocket"
    assert function["SnapStart"] == {"ApplyOn": "PublishedVersions"}
    for integration in template.of("AWS::ApiGatewayV2::Integration").values():
        if integration["IntegrationType"] == "AWS_PROXY" and "PayloadFormatVersion" not in integration:
            assert name_of(template, alias_id) in shown(template, integration["IntegrationUri"])


def test_alarms_go_to_the_address(template):
    _, subscription = template.the("AWS::SNS::Subscription")
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "ops@example.com")


def test_what_an_account_has_or_cannot_have_is_left_out(template):
    assert template.of("AWS::ApiGateway::Account") == {}
    for has in template.of("AWS::Lambda::Function").values():
        assert "ReservedConcurrentExecutions" not in has


def test_cfn_lint_finds_nothing(template, assembly):
    linter = Path(sys.executable).parent / "cfn-lint"
    folders = [template.folder, assembly("try").folder]
    templates = sorted(path for folder in folders for path in folder.glob("*.template.json"))
    done = subprocess.run(
        [linter, "--ignore-checks", "W3005", "--", *templates],  # W3005: the CDK's own
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout + done.stderr == ""


def test_a_finding_that_nobody_acknowledged_fails_the_synthesis_in_a_sentence(tmp_path):
    script = tmp_path / "unacknowledged.py"
    script.write_text(
        "import os\n"
        "from dev import node\n"
        "os.environ.update(node.environment())\n"
        "from infra import acknowledgements\n"
        "acknowledgements._of_uploader = lambda: ()\n"
        "acknowledgements._of_app = lambda configuration: ()\n"
        "import app\n"
        "raise SystemExit(app.main())\n",
        encoding="utf-8",
    )
    done = run_app(tmp_path / "out", {"aws:cdk:bundling-stacks": []}, script=script)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert lines[0] == "The template breaks rules:"
    assert any(
        line.startswith("AwsSolutions-SMG4 parlor-app/Secrets/DjangoKey1/Resource: ") for line in lines
    )
    assert lines[-1] == "Mend it, or say why it stands: infra/acknowledgements.py."


@pytest.mark.parametrize(
    ("context", "says"),
    [
        ({"profile": "prod"}, "choose one of try, production, laptop"),
        ({"connect_limit": "20"}, "must look like '20/600'"),
        ({"prefix": "Not This"}, "must look like 'parlor'"),
        ({"firewall": "yes"}, "must be true or false"),
        ({"alarm_email": "me"}, "must look like 'ops@example.com'"),
        ({"domain": "chat.example.com"}, "takes domain and certificate_arn"),
        ({"certificate_arn": CERTIFICATE}, "takes domain and certificate_arn"),
        ({"certificate_arn": CERTIFICATE.replace("us-east-1", "eu-west-1")}, "arn:aws:acm:us-east-1"),
        ({"domain": "chat.example.com", "certificate_arn": CERTIFICATE, "zone_id": "Z1"}, "zone_name"),
    ],
)  # fmt: skip
def test_a_context_that_means_nothing_is_refused_in_a_sentence(context, says):
    with pytest.raises(Failure, match=says):
        configuration_from(context)


def test_the_context_chooses_the_connect_limit():
    assert configuration_from({"profile": "laptop"}).connect_limit == "10000/10000"
    assert configuration_from({"profile": "laptop", "connect_limit": "20/600"}).connect_limit == "20/600"


def test_the_context_chooses_the_login_limit():
    assert configuration_from({"profile": "laptop"}).login_limit == "10000/10000"
    assert configuration_from({"profile": "try"}).login_limit == "10/100"
    assert configuration_from({"profile": "try", "login_limit": "5/50"}).login_limit == "5/50"
