"""The function that every contestant runs."""

import time


def handler(event, context):
    """Echo a message; tell a connection its id; sleep through a stop."""
    body = event.get("body") or ""
    if body == "id":
        body = event["requestContext"]["connectionId"]
    elif body == "sleep":
        time.sleep(30)
    return {"statusCode": 200, "body": body}
