"""How often passwords can be tried and accounts made: slow for whoever guesses, and nobody is locked out."""

from hashlib import sha256

from django.conf import settings
from django.http import HttpRequest

from chat.allowances import Allowance, spend

WINDOW_SECONDS = 300
# From one address an account takes so many attempts, from all of them together this many times more: who
# guesses from one place can't keep the account's owner out, who guesses from many is slow all the same.
_ALL_ADDRESSES = 10
_SENTENCE = "That were many attempts. Wait until the time is over, and try again then."


def admit_password(request: HttpRequest, username: str) -> None:
    """Count an attempt at an account's password, before it is looked at.

    :raises chat.wire.Refusal: `rate_limited`.
    """
    address, account = _address(request), _digest(username)
    spend(f"login address {address}", _allowance(settings.CHAT_LOGINS_PER_ADDRESS))
    spend(f"login account {account} {address}", _allowance(settings.CHAT_LOGINS_PER_ACCOUNT))
    spend(f"login account {account}", _allowance(settings.CHAT_LOGINS_PER_ACCOUNT * _ALL_ADDRESSES))


def admit_sign_up(request: HttpRequest) -> None:
    """Count an attempt to make an account. It tells which names are taken.

    :raises chat.wire.Refusal: `rate_limited`.
    """
    spend(f"signup address {_address(request)}", _allowance(settings.CHAT_LOGINS_PER_ADDRESS))


def admit_reset(request: HttpRequest, email: str) -> None:
    """Count a request for a mail, whether or not there is an account: nobody's letterbox is to be filled.

    :raises chat.wire.Refusal: `rate_limited`.
    """
    spend(f"reset address {_address(request)}", _allowance(settings.CHAT_LOGINS_PER_ADDRESS))
    spend(f"reset account {_digest(email)}", _allowance(settings.CHAT_LOGINS_PER_ACCOUNT))


def _allowance(count: int) -> Allowance:
    return Allowance(count, WINDOW_SECONDS, _SENTENCE)


def _address(request: HttpRequest) -> str:
    # What CloudFront says: see lambda_handlers.viewer.
    return str(request.META["REMOTE_ADDR"])


def _digest(name: str) -> str:
    # As long as a key may be, whatever somebody types; and passwords typed into the wrong field stay nowhere.
    return sha256(name.strip().casefold().encode(errors="surrogatepass")).hexdigest()
