"""Takes a bid if it is higher than the last one: a single conditional write, so that two can't both win."""

import json
import os

import boto3
from botocore.exceptions import ClientError

_lots = boto3.resource("dynamodb").Table(os.environ["LOTS_TABLE"])


def handler(event, context):
    """Answers on the bidder's own connection. The others hear of it from the table's stream."""
    bid = json.loads(event["body"])
    lot, amount = bid.get("lot"), bid.get("amount")
    if not isinstance(lot, str) or not lot or type(amount) is not int or amount <= 0:
        return _answer({"accepted": False, "reason": "A bid names a lot and a whole amount."})
    try:
        _lots.update_item(
            Key={"lot": lot},
            UpdateExpression="SET amount = :amount, bidder = :bidder",
            ConditionExpression="attribute_not_exists(amount) OR amount < :amount",
            ExpressionAttributeValues={
                ":amount": amount,
                ":bidder": event["requestContext"]["authorizer"]["bidder"],
            },
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        highest = _lots.get_item(Key={"lot": lot}, ConsistentRead=True)["Item"]["amount"]
        return _answer({"accepted": False, "lot": lot, "reason": f"The highest bid is {highest}."})
    return _answer({"accepted": True, "lot": lot, "amount": amount})


def _answer(body):
    return {"statusCode": 200, "body": json.dumps(body)}
