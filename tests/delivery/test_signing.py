"""The signatures against botocore's own."""

from datetime import UTC, datetime
from unittest.mock import patch
from urllib.parse import quote

import botocore.auth
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from delivery.posting import Requests
from delivery.signing import Signer, payload_hash

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=20)
KEYS = st.text(st.sampled_from("ABCabc0189/+="), min_size=1, max_size=40)
TOKENS = st.none() | st.text(st.sampled_from("ABCabc0189/+="), min_size=1, max_size=300)
TIMES = st.integers(0, 4_000_000_000)
REGIONS = st.sampled_from(["us-east-1", "eu-central-2", "ap-southeast-4"])
HOSTS = st.sampled_from(["abc123.execute-api.us-east-1.amazonaws.com", "127.0.0.1:8001", "localhost:4566"])
SEGMENTS = st.lists(
    TEXT.filter(lambda text: text and text.strip(".")).map(lambda text: quote(text, safe="@")), max_size=4
)
QUERIES = st.lists(st.tuples(TEXT.filter(bool), TEXT), max_size=4).map(
    lambda pairs: "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in pairs)
)
HEADERS = st.dictionaries(
    st.sampled_from(["Content-Type", "X-Amz-Target", "X-Custom", "Accept"]),
    st.text(st.sampled_from("abc/ -;=09"), min_size=1, max_size=20),
)


def _botocore_at(now: int):
    return patch.object(botocore.auth, "get_current_datetime", lambda: datetime.fromtimestamp(now, UTC))


@given(
    access_key=KEYS,
    secret_key=KEYS,
    token=TOKENS,
    region=REGIONS,
    host=HOSTS,
    segments=SEGMENTS,
    query=QUERIES,
    headers=HEADERS,
    body=st.binary(max_size=200),
    now=TIMES,
)
def test_headers_equal_botocores(
    access_key, secret_key, token, region, host, segments, query, headers, body, now
):
    path = "/" + "/".join(segments)
    request = AWSRequest("POST", f"https://{host}{path}{'?' if query else ''}{query}", dict(headers), body)
    with _botocore_at(now):
        SigV4Auth(Credentials(access_key, secret_key, token), "execute-api", region).add_auth(request)

    added = Signer(access_key, secret_key, token, region, "execute-api").headers(
        "POST", host, path, query=query, headers=headers, body_hash=payload_hash(body), now=now
    )

    assert {**headers, **added} == dict(request.headers.items())


@given(
    access_key=KEYS,
    secret_key=KEYS,
    token=TOKENS,
    host=HOSTS,
    method=st.sampled_from(["POST", "DELETE"]),
    connection_ids=st.lists(
        st.text(st.sampled_from("ABCabc0189+/_=-"), min_size=1, max_size=128), max_size=4
    ),
    body=st.binary(max_size=300),
    moments=st.lists(TIMES, min_size=1, max_size=3),
)
def test_requests_to_many_connections_are_signed_as_botocore_signs_each(
    access_key, secret_key, token, host, method, connection_ids, body, moments
):
    signer = Signer(access_key, secret_key, token, "eu-west-1", "execute-api")
    requests = Requests(signer, method, host, "/ws/@connections/", body)
    for now in moments:
        for connection_id in connection_ids:
            path = f"/ws/@connections/{quote(connection_id, safe='')}"
            expected = AWSRequest(method, f"https://{host}{path}", {}, body)
            with _botocore_at(now):
                SigV4Auth(Credentials(access_key, secret_key, token), "execute-api", "eu-west-1").add_auth(
                    expected
                )

            head, _, sent = requests.to(connection_id, now).partition(b"\r\n\r\n")
            first, *lines = head.decode().split("\r\n")

            assert first == f"{method} {path} HTTP/1.1"
            assert dict(line.split(": ", 1) for line in lines) == {
                "Host": host,
                "Content-Length": str(len(body)),
                **dict(expected.headers.items()),
            }
            assert sent == body


def test_a_connection_id_is_encoded_twice():
    request = AWSRequest(
        "POST", "https://abc.execute-api.eu-west-1.amazonaws.com/ws/@connections/Lx%3D", {}, b"x"
    )
    auth = SigV4Auth(Credentials("AKID", "secret"), "execute-api", "eu-west-1")
    with _botocore_at(1_700_000_000):
        auth.add_auth(request)
        assert "/ws/%40connections/Lx%253D" in auth.canonical_request(request)

    added = Signer("AKID", "secret", None, "eu-west-1", "execute-api").headers(
        "POST",
        "abc.execute-api.eu-west-1.amazonaws.com",
        "/ws/@connections/Lx%3D",
        body_hash=payload_hash(b"x"),
        now=1_700_000_000,
    )

    assert added == dict(request.headers.items())


@given(access_key=KEYS, secret_key=KEYS, token=TOKENS, region=REGIONS, user=TEXT.filter(bool), now=TIMES)
def test_a_presigned_query_is_the_database_token_that_botocore_makes(
    access_key, secret_key, token, region, user, now
):
    request = AWSRequest("GET", "https://db.example.com:5432/", params={"Action": "connect", "DBUser": user})
    with _botocore_at(now):
        SigV4QueryAuth(Credentials(access_key, secret_key, token), "rds-db", region, 900).add_auth(request)

    query = Signer(access_key, secret_key, token, region, "rds-db").presigned_query(
        "GET",
        "db.example.com:5432",
        "/",
        query={"Action": "connect", "DBUser": user},
        expires=900,
        now=now,
    )

    assert f"https://db.example.com:5432/?{query}" == request.url


@given(days=st.lists(st.integers(0, 20_000), min_size=2, max_size=5))
def test_the_kept_day_key_never_serves_another_day(days):
    kept = Signer("AKID", "secret", "token", "us-east-1", "sqs")

    for day in days:
        fresh = Signer("AKID", "secret", "token", "us-east-1", "sqs")
        now = day * 86_400
        assert kept.headers("POST", "host", "/", now=now) == fresh.headers("POST", "host", "/", now=now)
