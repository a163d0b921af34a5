"""Signatures as SDKs make them are accepted, byte for byte, and nothing else is."""

import hashlib
import hmac
import time
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from local_aws.http import Request
from local_aws.signatures import Fault, Refused, Verifier, joined_headers, read, sign, signing_key

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
HOST = "127.0.0.1:8001"

segments = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12
).filter(lambda text: text not in (".", ".."))
paths = st.lists(segments, max_size=4).map(
    lambda parts: "/" + "/".join(quote(part, safe="") for part in parts)
)
words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=10)
queries = st.lists(st.tuples(words, words), max_size=4).map(
    lambda pairs: "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs if name)
)
header_values = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
extra_headers = st.dictionaries(
    st.sampled_from(["X-Amz-Target", "X-Amz-Invocation-Type", "Content-Type", "x-amz-client-context"]),
    header_values,
)
bodies = st.binary(max_size=200)


def signed(
    method: str = "POST",
    path: str = "/",
    query: str = "",
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    *,
    service: str = "execute-api",
    token: str | None = None,
    signer: type[auth.BaseSigner] = auth.SigV4Auth,
    **options: object,
) -> Request:
    """A request that botocore has signed, as it arrives."""
    url = f"http://{HOST}{path}" + (f"?{query}" if query else "")
    request = AWSRequest(method, url, headers={"Host": HOST, **(headers or {})}, data=body)
    signer(Credentials("AKID", SECRET, token), service, "us-east-1", **options).add_auth(request)
    target = request.url.removeprefix(f"http://{HOST}")
    sent_path, _, sent_query = target.partition("?")
    return Request(method, target, sent_path, sent_query, list(request.headers.items()), body, "127.0.0.1")


def verify(request: Request, *, later: float = 0.0) -> None:
    """Verify a request as if that many seconds had passed since it was signed."""
    headers = joined_headers(request)
    Verifier(lambda: time.time() + later).verify(request, headers, read(request, headers), SECRET)


def fault(request: Request, *, later: float = 0.0) -> Fault:
    with pytest.raises(Refused) as refused:
        verify(request, later=later)
    return refused.value.fault


class UnsignedBody(auth.S3SigV4Auth):
    """As botocore signs what it streams over TLS."""

    def _should_sha256_sign_payload(self, request: AWSRequest) -> bool:
        return False


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(["GET", "POST", "PUT", "DELETE"]), paths, queries, bodies, extra_headers, st.booleans()
)
def test_what_botocore_signs_is_accepted(method, path, query, body, headers, with_token):
    token = "FwoGZXIvYXdzE//+=" if with_token else None

    verify(signed(method, path, query, body, headers, token=token))


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(["GET", "PUT"]), paths, queries, bodies)
def test_s3_has_its_path_encoded_once_and_says_its_body_hash(method, path, query, body):
    verify(signed(method, path, query, body, service="s3", signer=auth.S3SigV4Auth))


@settings(max_examples=50, deadline=None)
@given(paths, queries)
def test_presigned_addresses_are_accepted_until_they_expire(path, query):
    request = signed("GET", path, query, service="s3", signer=auth.S3SigV4QueryAuth, expires=60, token="t")

    verify(request)
    assert fault(request, later=70) is Fault.EXPIRED_REQUEST


@settings(max_examples=100, deadline=None)
@given(bodies, st.data())
def test_a_flipped_bit_in_anything_signed_is_refused(body, data):
    request = signed("POST", "/prod/%40connections/abc%3D", "a=1", body, {"X-Amz-Target": "A.B"}, token="tok")
    places = ["path", "query", "X-Amz-Target", "X-Amz-Date", "X-Amz-Security-Token", "Host", "signature"]
    place = data.draw(st.sampled_from([*places, *(["body"] if body else [])]))
    match place:
        case "path":
            request.path = flipped(request.path, data)
        case "query":
            request.query = flipped(request.query, data)
        case "body":
            request.body = flipped(request.body.decode("latin-1"), data).encode("latin-1")
        case "signature":
            name, value = next(header for header in request.headers if header[0] == "Authorization")
            start, _, signature = value.rpartition("=")
            request.headers.remove((name, value))
            request.headers.append((name, f"{start}={flipped(signature, data)}"))
        case _:
            name, value = next(header for header in request.headers if header[0] == place)
            request.headers.remove((name, value))
            request.headers.append((name, flipped(value, data)))

    with pytest.raises(Refused):
        verify(request)


def flipped(text: str, data: st.DataObject) -> str:
    at = data.draw(st.integers(0, len(text) - 1))
    bit = data.draw(st.integers(0, 6))
    return text[:at] + chr(ord(text[at]) ^ (1 << bit)) + text[at + 1 :]


@pytest.mark.parametrize("sent", ["@connections/Aa-_1%3D", "%40connections/Aa-_1=", "@connections/Aa-_1="])
@pytest.mark.parametrize("encodings", [0, 1])
@pytest.mark.parametrize(
    "names", [["host", "x-amz-date"], ["content-type", "host", "x-amz-content-sha256", "x-amz-date"]]
)
def test_every_client_has_its_own_spelling_of_a_connection(sent, encodings, names):
    """boto3 encodes `=` and `@`, others neither; some sign the path encoded once more, some as it is."""
    path = f"/prod/{sent}"
    canonical_path = quote(path, safe="/~") if encodings else path
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    body_hash = hashlib.sha256(b"hi").hexdigest()
    headers = {
        "content-type": "application/json",
        "host": HOST,
        "x-amz-content-sha256": body_hash,
        "x-amz-date": stamp,
    }
    headers = {name: value for name, value in headers.items() if name in names}
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    canonical = f"POST\n{canonical_path}\n\n{lines}\n{';'.join(names)}\n{body_hash}"
    scope = f"{stamp[:8]}/us-east-1/execute-api/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = signing_key(SECRET, stamp[:8], "us-east-1", "execute-api")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    authorization = (
        f"AWS4-HMAC-SHA256 Credential=AKID/{scope},SignedHeaders={';'.join(names)},Signature={signature}"
    )
    given_headers = [*headers.items(), ("Authorization", authorization)]

    verify(Request("POST", path, path, "", given_headers, b"hi", "127.0.0.1"))


def test_the_body_may_be_left_unsigned():
    request = signed("PUT", "/bucket/key", body=b"one", service="s3", signer=UnsignedBody)
    request.body = b"two"

    verify(request)


def test_a_body_that_is_not_the_one_declared_is_refused():
    request = signed("PUT", "/bucket/key", body=b"one", service="s3", signer=auth.S3SigV4Auth)
    request.body = b"two"

    assert fault(request) is Fault.WRONG_BODY_HASH


@pytest.mark.parametrize("sign_of_it", [1, -1])
def test_a_clock_may_differ_by_five_minutes(sign_of_it):
    request = signed()

    verify(request, later=295 * sign_of_it)
    assert fault(request, later=305 * sign_of_it) is Fault.SKEWED


@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        (None, Fault.MISSING),
        ("Bearer abc", Fault.INCOMPLETE),
        ("AWS4-HMAC-SHA256 Credential=AKID/20261125/us-east-1/sqs/aws4_request", Fault.INCOMPLETE),
        ("AWS4-HMAC-SHA256 Credential=AKID, SignedHeaders=host, Signature=00", Fault.INCOMPLETE),
        ("AWS4-HMAC-SHA256", Fault.INCOMPLETE),
    ],
)
def test_what_is_no_signature_is_said_to_be_none(authorization, expected):
    headers = [("Host", HOST), ("X-Amz-Date", "20261125T000000Z")]
    headers += [("Authorization", authorization)] if authorization else []

    assert fault(Request("GET", "/", "/", "", headers, b"", "127.0.0.1")) is expected


def test_the_host_must_be_signed():
    request = signed()
    name, value = next(header for header in request.headers if header[0] == "Authorization")
    request.headers.remove((name, value))
    request.headers.append((name, value.replace("host;", "")))

    assert fault(request) is Fault.MISMATCH


def test_own_signatures_are_accepted():
    request = Request("POST", "/a/b?c=d", "/a/b", "c=d", [("Host", HOST)], b"body", "127.0.0.1")
    request.headers += sign(
        request, access_key="AKID", secret=SECRET, region="us-east-1", service="lambda", now=time.time()
    )

    verify(request)
