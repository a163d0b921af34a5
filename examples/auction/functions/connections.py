"""Remembers who is connected."""

import os

import boto3

_table = boto3.resource("dynamodb").Table(os.environ["CONNECTIONS_TABLE"])


def handler(event, context):
    """Runs on $connect and $disconnect."""
    request = event["requestContext"]
    key = {"connection_id": request["connectionId"]}
    if request["eventType"] == "CONNECT":
        _table.put_item(Item={**key, "bidder": request["authorizer"]["bidder"]})
    else:
        _table.delete_item(Key=key)
    return {"statusCode": 200}
