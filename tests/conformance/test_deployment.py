"""How the suite finds a deployment in an account by its endpoint alone."""

from tests.conformance import deployment


def test_every_address_follows_from_the_endpoint(monkeypatch):
    described = {
        "distribution": "d1.cloudfront.net",
        "apis": {"main": "abc123", "bare": "def456"},
        "region": "eu-west-1",
        "stage": "live",
        "queue": "https://sqs.eu-west-1.amazonaws.com/123456789012/observed",
    }
    monkeypatch.setattr(deployment, "_described", lambda endpoint: described)

    found = deployment.deployed("wss://abc123.execute-api.eu-west-1.amazonaws.com/live")

    assert found.url() == "wss://abc123.execute-api.eu-west-1.amazonaws.com/live"
    assert found.url("bare", "a=1") == "wss://def456.execute-api.eu-west-1.amazonaws.com/live?a=1"
    assert found.url("bare", path="/other") == "wss://def456.execute-api.eu-west-1.amazonaws.com/other"
    assert found.management_url("bare") == "https://def456.execute-api.eu-west-1.amazonaws.com/live"
    assert found.front == "wss://d1.cloudfront.net"
    assert not found.is_local
