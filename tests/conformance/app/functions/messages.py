"""Messages: answers with its event, or as the message asks."""

import json
import os
import time


def handler(event, context):
    asked = _asked(event)
    match asked.get("do"):
        case "raise":
            raise RuntimeError("as asked")
        case "null":
            return None
        case "nothing":
            return {"body": "no status"}
        case "unknown":
            return {"statusCode": 200, "body": "x", "unknown": 1}
        case "number":
            return 5
        case "sleep":
            time.sleep(asked["seconds"])
            return {"statusCode": 200, "body": json.dumps({"slept": asked["seconds"], "n": asked.get("n")})}
        case "status":
            return {"statusCode": asked["status"], "body": f"status {asked['status']}"}
        case "silence":
            return {"statusCode": 200}
        case "size":
            return {"statusCode": 200, "body": "x" * asked["size"]}
        case "length":
            return {"statusCode": 200, "body": str(len(event["body"].encode()))}
        case "post":
            return {"statusCode": 200, "body": json.dumps(_post(event, asked))}
        case "deployment":
            return {"statusCode": 200, "body": os.environ["DEPLOYMENT"]}
    return {"statusCode": 200, "body": json.dumps(event)}


def _post(event, asked):
    """What a post to its own connection comes to: this function's role doesn't permit it."""
    import boto3  # only this needs it

    credentials = {}
    if asked.get("secret") is not None:
        credentials = {
            "aws_access_key_id": os.environ["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": asked["secret"],
            "aws_session_token": os.environ.get("AWS_SESSION_TOKEN"),
        }
    client = boto3.client("apigatewaymanagementapi", endpoint_url=os.environ["CALLBACK_URL"], **credentials)
    try:
        client.post_to_connection(ConnectionId=event["requestContext"]["connectionId"], Data=b"x")
    except client.exceptions.ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return {
            "status": status,
            "function": os.environ["AWS_LAMBDA_FUNCTION_NAME"],
            **error.response["Error"],
        }
    return {"status": 200}


def _asked(event):
    try:
        asked = json.loads(event.get("body", ""))
    except ValueError:
        return {}
    return asked if isinstance(asked, dict) else {}
