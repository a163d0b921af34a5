"""The auction: invitations, bids, and everybody hearing of them."""

import asyncio
import hashlib
import hmac
import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.examples.conftest import running

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def auction(assemblies, tmp_path_factory):
    with running(assemblies / "auction", tmp_path_factory.mktemp("auction"), "--strict") as example:
        yield example


@pytest.fixture(scope="module")
def invited(auction):
    """The address for a bidder with an invitation."""
    secret = auction.client("secretsmanager").get_secret_value(SecretId="auction-invitations")["SecretString"]

    def address(name):
        invitation = hmac.new(secret.encode(), name.encode(), hashlib.sha256).hexdigest()
        return f"{auction.url}?name={name}&invitation={invitation}"

    return address


async def received(socket):
    return json.loads(await asyncio.wait_for(socket.recv(), 20))


@pytest.mark.parametrize(
    ("query", "status"), [("", 401), ("?name=ada", 401), ("?name=ada&invitation=x", 403)]
)
async def test_nobody_gets_in_without_an_invitation(auction, query, status):
    with pytest.raises(InvalidStatus) as refused:
        await connect(auction.url + query)

    assert refused.value.response.status_code == status


async def test_everybody_hears_of_the_highest_bid(auction, invited):
    async with connect(invited("ada")) as ada, connect(invited("bob")) as bob:
        await ada.send(json.dumps({"action": "bid", "lot": "clock", "amount": 100}))
        news = {"lot": "clock", "amount": 100, "bidder": "ada"}
        accepted = {"accepted": True, "lot": "clock", "amount": 100}
        # The answer and the news come in either order.
        heard = [await received(ada), await received(ada)]
        assert accepted in heard
        assert news in heard
        assert await received(bob) == news

        await bob.send(json.dumps({"action": "bid", "lot": "clock", "amount": 90}))
        assert await received(bob) == {
            "accepted": False,
            "lot": "clock",
            "reason": "The highest bid is 100.",
        }

    table = next(
        name for name in auction.client("dynamodb").list_tables()["TableNames"] if "Connections" in name
    )
    for _ in range(100):
        if not auction.client("dynamodb").scan(TableName=table)["Items"]:
            break
        await asyncio.sleep(0.1)
    else:
        pytest.fail("the connections were not forgotten")
