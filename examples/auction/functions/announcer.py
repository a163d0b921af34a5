"""Tells everybody of each new price: the stream of the lots comes in, posts to all connections go out."""

import json
import os

import boto3

_connections = boto3.resource("dynamodb").Table(os.environ["CONNECTIONS_TABLE"])
_api = boto3.client("apigatewaymanagementapi", endpoint_url=os.environ["CALLBACK_URL"])


def handler(event, context):
    """One record for each change of a lot, in their order."""
    for record in event["Records"]:
        lot = record["dynamodb"].get("NewImage")
        if lot is not None:
            _announce(
                {"lot": lot["lot"]["S"], "amount": int(lot["amount"]["N"]), "bidder": lot["bidder"]["S"]}
            )


def _announce(price):
    data = json.dumps(price).encode()
    for item in _connections.scan(ProjectionExpression="connection_id")["Items"]:
        try:
            _api.post_to_connection(ConnectionId=item["connection_id"], Data=data)
        except _api.exceptions.GoneException:
            _connections.delete_item(Key=item)
