"""Removes results that are older than a day."""

import os
from datetime import UTC, datetime, timedelta

import boto3

_s3 = boto3.client("s3")


def handler(event, context):
    """Runs on a schedule. `older_than_seconds` in the event is for those who don't want to wait a day."""
    oldest = datetime.now(UTC) - timedelta(seconds=event.get("older_than_seconds", 86_400))
    bucket = os.environ["RESULTS_BUCKET"]
    pages = _s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="results/")
    old = [
        item["Key"] for page in pages for item in page.get("Contents", ()) if item["LastModified"] <= oldest
    ]
    for key in old:
        _s3.delete_object(Bucket=bucket, Key=key)
    return {"removed": len(old)}
