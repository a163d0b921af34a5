"""Lets those in whose invitation is right: the HMAC of their name by the auction's secret."""

import hashlib
import hmac
import os
from functools import cache

import boto3


@cache
def _secret() -> bytes:
    answer = boto3.client("secretsmanager").get_secret_value(SecretId=os.environ["SECRET_ARN"])
    return answer["SecretString"].encode()


def handler(event, context):
    """API Gateway refuses who brings no name or no invitation before it asks here."""
    name = event["queryStringParameters"]["name"]
    wanted = hmac.new(_secret(), name.encode(), hashlib.sha256).hexdigest()
    is_right = hmac.compare_digest(wanted, event["queryStringParameters"]["invitation"])
    statement = {
        "Action": "execute-api:Invoke",
        "Effect": "Allow" if is_right else "Deny",
        "Resource": event["methodArn"],
    }
    return {
        "principalId": name,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": {"bidder": name},
    }
