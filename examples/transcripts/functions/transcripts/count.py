"""Counts the words of queued texts."""

import json
import os
from collections import Counter

import boto3

_s3 = boto3.client("s3")


def handler(event, context):
    """What can't be counted goes back into the queue alone; the rest of its batch is done."""
    failed = []
    for record in event["Records"]:
        try:
            _count(json.loads(record["body"]))
        except Exception as error:
            print(f"{record['messageId']}: {error}")
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def _count(job):
    words = Counter(job["text"].lower().split())
    result = {"finished": job["id"], "words": words.total(), "most_common": words.most_common(1)[0][0]}
    _s3.put_object(
        Bucket=os.environ["RESULTS_BUCKET"],
        Key=f"results/{job['id']}.json",
        Body=json.dumps(result).encode(),
        ContentType="application/json",
        Metadata={"connection-id": job["connection_id"]},
    )
