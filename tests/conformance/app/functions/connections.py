"""`$connect` and `$disconnect`: does what the query asks for, and tells the suite of its event by a queue."""

import json
import os
import time

import boto3


def handler(event, context):
    asked = event.get("queryStringParameters", {})
    told = {"event": event}
    if "post" in asked:
        told["post"] = _post_to_itself(event["requestContext"]["connectionId"])
    boto3.client("sqs").send_message(QueueUrl=os.environ["OBSERVED"], MessageBody=json.dumps(told))
    if event["requestContext"]["eventType"] == "CONNECT":
        return _answer(asked)
    return {"statusCode": 200}


def _post_to_itself(connection_id):
    """The status of a post to the connection that is just being made."""
    client = boto3.client("apigatewaymanagementapi", endpoint_url=os.environ["CALLBACK_URL"])
    try:
        answer = client.post_to_connection(ConnectionId=connection_id, Data=b"early")
    except client.exceptions.ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"]
    return answer["ResponseMetadata"]["HTTPStatusCode"]


def _answer(asked):
    time.sleep(float(asked.get("sleep", 0)))
    match asked.get("answer"):
        case "raise":
            raise RuntimeError("as asked")
        case "null":
            return None
        case "nothing":
            return {"body": "no status"}
        case "unknown":
            return {"statusCode": 200, "unknown": 1}
    answer = {"statusCode": int(asked.get("status", 200)), "body": "a body", "headers": {"Set-Cookie": "a=b"}}
    if "subprotocol" in asked:
        answer["headers"]["Sec-WebSocket-Protocol"] = asked["subprotocol"]
    return answer
