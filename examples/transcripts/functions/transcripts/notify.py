"""Tells a client that its result is there."""

import json
import os
from urllib.parse import unquote_plus

import boto3

_s3 = boto3.client("s3")
_api = boto3.client("apigatewaymanagementapi", endpoint_url=os.environ["CALLBACK_URL"])


def handler(event, context):
    """The topic brings the bucket's notification, which names the new object."""
    for record in event["Records"]:
        # A test event, which S3 sends when the notification is set up, has no records.
        for change in json.loads(record["Sns"]["Message"]).get("Records", ()):
            _tell(change["s3"]["bucket"]["name"], unquote_plus(change["s3"]["object"]["key"]))


def _tell(bucket, key):
    result = _s3.get_object(Bucket=bucket, Key=key)
    try:
        _api.post_to_connection(ConnectionId=result["Metadata"]["connection-id"], Data=result["Body"].read())
    except _api.exceptions.GoneException:
        print(f"{key}: the client is gone.")
