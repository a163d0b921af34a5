"""S3's older signatures, made by boto3."""

import time
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config

from local_aws.access.version_2 import key_of_form, key_of_url
from local_aws.http import Request
from local_aws.roles import Credentials
from local_aws.signatures import Refused

KNOWN = {"AKIAKNOWN": Credentials("AKIAKNOWN", "secret", "token")}


@pytest.fixture(params=["path", "virtual"])
def s3(request):
    """Clients that name the bucket in the path, and in the host."""

    def made(access_key="AKIAKNOWN", secret="secret", token="token"):
        return boto3.client(
            "s3",
            region_name="us-east-1",
            aws_access_key_id=access_key,
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=Config(signature_version="s3", s3={"addressing_style": request.param}),
        )

    return made


def asked(url, method="GET"):
    """The request that a browser makes of a URL."""
    parts = urlsplit(url)
    target = f"{parts.path}?{parts.query}"
    headers = {"host": parts.netloc}
    return Request(method, target, parts.path, parts.query, list(headers.items()), b"", "127.0.0.1"), headers


def key_of(url, method="GET", now=None):
    request, headers = asked(url, method)
    return key_of_url(request, headers, KNOWN.get, time.time() if now is None else now)


PARAMETERS = {
    "Bucket": "files",
    "Key": "a b/ü+.txt",
    "ResponseContentDisposition": 'attachment; filename="x y"',
}


def test_a_url_that_a_known_key_signed_is_that_keys(s3):
    url = s3().generate_presigned_url("get_object", PARAMETERS)

    assert "Signature=" in url
    assert key_of(url) == "AKIAKNOWN"


def test_a_url_of_a_key_that_isnt_known_here_is_taken(s3):
    url = s3("test", "anything", None).generate_presigned_url("get_object", PARAMETERS)

    assert key_of(url) == "test"


@pytest.mark.parametrize(
    "change", [("files", "filez"), ("txt", "txu"), ("x%20y", "z"), ("token=token", "token=other")]
)
def test_a_changed_url_is_refused(s3, change):
    url = s3().generate_presigned_url("get_object", PARAMETERS)
    changed = url.replace(*change)
    assert changed != url

    with pytest.raises(Refused):
        key_of(changed)


def test_another_method_and_a_late_request_are_refused(s3):
    url = s3().generate_presigned_url("get_object", PARAMETERS, ExpiresIn=60)

    with pytest.raises(Refused):
        key_of(url, "DELETE")
    with pytest.raises(Refused, match="expired"):
        key_of(url, now=time.time() + 61)


def test_forms_are_held_to_their_signature_too(s3):
    form = s3().generate_presigned_post("files", "in/${filename}")["fields"]
    fields = {name.lower(): value for name, value in form.items()}

    assert key_of_form(fields, KNOWN.get, time.time()) == "AKIAKNOWN"
    with pytest.raises(Refused):
        key_of_form(fields | {"signature": "AAAA"}, KNOWN.get, time.time())
    with pytest.raises(Refused, match="expired"):
        key_of_form(fields, KNOWN.get, time.time() + 3601)


def test_what_has_no_such_signature_is_nobodys():
    assert key_of("https://files.s3.amazonaws.com/a?versionId=1") is None
    assert key_of_form({"policy": "x"}, KNOWN.get, 0) is None
