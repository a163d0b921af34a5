"""A Lambda authorizer whose answer is named by the token; its own event goes along in the context."""

import json


def handler(event, context):
    token = event["queryStringParameters"]["token"]
    match token:
        case "unauthorized":
            raise Exception("Unauthorized")
        case "raise":
            raise RuntimeError("as asked")
        case "nonsense":
            return {"isAuthorized": True}
        case "nested":
            return _policy("Allow", event["methodArn"], {"list": [1]})
        case "elsewhere":
            return _policy("Allow", event["methodArn"].replace("$connect", "other"), {})
        case "deny":
            return _policy("Deny", event["methodArn"], {})
    seen = json.dumps({key: value for key, value in event.items() if key != "requestContext"})
    return _policy("Allow", event["methodArn"], {"tenant": "a", "n": 1, "ok": True, "event": seen})


def _policy(effect, resource, context):
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}
    return {
        "principalId": "somebody",
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": context,
    }
