"""Takes a text and queues it."""

import json
import os
import uuid

import boto3

_sqs = boto3.client("sqs")


def handler(event, context):
    """Answers with the job's id at once."""
    text = json.loads(event["body"]).get("text")
    if not isinstance(text, str) or not text.strip():
        return {"statusCode": 200, "body": json.dumps({"refused": "There is no text to count."})}
    job = {"id": str(uuid.uuid4()), "connection_id": event["requestContext"]["connectionId"], "text": text}
    _sqs.send_message(QueueUrl=os.environ["JOBS_URL"], MessageBody=json.dumps(job))
    return {"statusCode": 200, "body": json.dumps({"queued": job["id"]})}
