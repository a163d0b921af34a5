"""Which of S3's actions a request asks for: by its method, whether it names an object, and its subresource.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, unquote
from xml.sax.saxutils import unescape

from local_aws.access.forms import fields
from local_aws.http import Request
from local_aws.roles.patterns import Context
from local_aws.signatures import Headers

_HOST = re.compile(r"(?P<bucket>.+)\.s3[.-](?:[a-z0-9.-]+\.)?amazonaws\.com(?::\d+)?")
_KEY = re.compile(r"<Key>(.*?)</Key>", re.DOTALL)

# What follows Get, Put or Delete in the action of a subresource.
_BUCKET = {
    "accelerate": "AccelerateConfiguration",
    "acl": "BucketAcl",
    "analytics": "AnalyticsConfiguration",
    "cors": "BucketCORS",
    "encryption": "EncryptionConfiguration",
    "inventory": "InventoryConfiguration",
    "lifecycle": "LifecycleConfiguration",
    "location": "BucketLocation",
    "logging": "BucketLogging",
    "metrics": "MetricsConfiguration",
    "notification": "BucketNotification",
    "object-lock": "BucketObjectLockConfiguration",
    "ownershipControls": "BucketOwnershipControls",
    "policy": "BucketPolicy",
    "policyStatus": "BucketPolicyStatus",
    "publicAccessBlock": "BucketPublicAccessBlock",
    "replication": "ReplicationConfiguration",
    "requestPayment": "BucketRequestPayment",
    "tagging": "BucketTagging",
    "versioning": "BucketVersioning",
    "website": "BucketWebsite",
}
_OBJECT = {
    "acl": "ObjectAcl",
    "attributes": "ObjectAttributes",
    "legal-hold": "ObjectLegalHold",
    "retention": "ObjectRetention",
    "tagging": "ObjectTagging",
    "torrent": "ObjectTorrent",
}
# A bucket's subresources that are put away with the same action that sets them.
_DELETED_BY_PUT = {
    "analytics", "cors", "encryption", "inventory", "lifecycle", "metrics", "ownershipControls",
    "publicAccessBlock", "replication", "tagging",
}  # fmt: skip
_VERBS = {"GET": "Get", "HEAD": "Get", "PUT": "Put", "POST": "Put", "DELETE": "Delete"}

Action = tuple[str, str, Context]
"""An action, its resource, and what conditions may ask of it."""


def actions(request: Request, headers: Headers) -> Iterator[Action]:
    """The actions that a request needs."""
    bucket, key = _names(request, headers)
    query = parse_qs(request.query, keep_blank_values=True)
    if not bucket:
        yield "s3:ListAllMyBuckets", "*", {}
    elif key:
        yield from _of_object(request.method, bucket, key, query, headers)
    else:
        yield from _of_bucket(request, headers, bucket, query)


def _names(request: Request, headers: Headers) -> tuple[str, str]:
    """Bucket and key: the bucket in the host or first in the path."""
    path = unquote(request.path.lstrip("/")) if request.path != "/" else ""
    host = _HOST.fullmatch(headers.get("host", ""))
    if host is not None:
        return host["bucket"], path
    bucket, _, key = path.partition("/")
    return bucket, key


def _of_object(
    method: str, bucket: str, key: str, query: dict[str, list[str]], headers: Headers
) -> Iterator[Action]:
    arn = f"arn:aws:s3:::{bucket}/{key}"
    part = next((name for name in _OBJECT if name in query), None)
    version = "Version" if query.get("versionId", [""])[0] else ""
    if part is not None:
        noun = _OBJECT[part]
        action = f"s3:{_VERBS.get(method, method)}{noun.replace('Object', 'Object' + version, 1)}"
    elif method in ("GET", "HEAD"):
        action = "s3:ListMultipartUploadParts" if "uploadId" in query else f"s3:GetObject{version}"
    elif method == "DELETE":
        action = "s3:AbortMultipartUpload" if "uploadId" in query else f"s3:DeleteObject{version}"
    elif "restore" in query:
        action = "s3:RestoreObject"
    elif "select" in query:
        action = "s3:GetObject"
    else:
        action = "s3:PutObject"
    yield action, arn, {}
    if method == "PUT" and (source := headers.get("x-amz-copy-source")):
        yield "s3:GetObject", "arn:aws:s3:::" + unquote(source).lstrip("/").partition("?")[0], {}


def _of_bucket(
    request: Request, headers: Headers, bucket: str, query: dict[str, list[str]]
) -> Iterator[Action]:
    arn = f"arn:aws:s3:::{bucket}"
    method = request.method
    if method == "POST":
        if "delete" in query:
            for key in _KEY.findall(request.body.decode(errors="replace")):
                yield "s3:DeleteObject", f"{arn}/{unescape(key)}", {}
        else:
            yield "s3:PutObject", f"{arn}/{fields(request, headers).get('key', '*')}", {}
        return
    part = next((name for name in _BUCKET if name in query), None)
    if part is not None:
        verb = "Put" if method == "DELETE" and part in _DELETED_BY_PUT else _VERBS.get(method, method)
        yield f"s3:{verb}{_BUCKET[part]}", arn, {}
    elif method == "PUT":
        yield "s3:CreateBucket", arn, {}
    elif method == "DELETE":
        yield "s3:DeleteBucket", arn, {}
    elif "uploads" in query:
        yield "s3:ListBucketMultipartUploads", arn, {}
    else:
        action = "s3:ListBucketVersions" if "versions" in query else "s3:ListBucket"
        names = ("prefix", "delimiter", "max-keys")
        context = {f"s3:{name}": tuple(query[name]) for name in names if name in query}
        yield action, arn, context
