"""Logins outlive Django's key: what an older key still verifies goes on, in browsers and on open connections.

Django gives a session that an older key verifies a new name. Connections that were opened under the old one,
and requests that are under way with it, would then find no login. Here the name stays.
"""

from typing import Any

from django.conf import settings
from django.contrib import auth
from django.contrib.auth import middleware as auth_middleware
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.backends import db
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.functional import SimpleLazyObject
from django_aws_api_gateway_websockets.models import WebSocketSession, hash_user_auth

_AUTH_HASH_SALT = "django_aws_api_gateway_websockets.WebSocketSession.auth_hash"


class SessionStore(db.SessionStore):
    """Django's sessions in the database. While `signed_anew` is set the session keeps its name."""

    signed_anew = False

    def cycle_key(self) -> None:
        if not self.signed_anew:
            super().cycle_key()


class ReadOnlySessionStore(SessionStore):
    """A login session for who can't set a cookie: nothing that happens to it is kept."""

    # Django's has the name of the class in it, and this one reads what the other wrote.
    key_salt = "django.contrib.sessions.SessionStore"

    def save(self, must_create: bool = False) -> None:
        pass

    def cycle_key(self) -> None:
        pass

    def flush(self) -> None:
        self.clear()


class ReadOnlySessionMiddleware(SessionMiddleware):
    """The session of a WebSocket event's cookie, to look at."""

    def __init__(self, get_response: Any) -> None:
        super().__init__(get_response)
        self.SessionStore = ReadOnlySessionStore

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        return response


class AuthenticationMiddleware(auth_middleware.AuthenticationMiddleware):
    """Django's own, but that a session which an older key verifies is signed anew in place."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        request.user = SimpleLazyObject(lambda: _user(request))  # type: ignore[assignment] # as Django does it


def _user(request: HttpRequest) -> User | AnonymousUser:
    if not hasattr(request, "_cached_user"):
        request.session.signed_anew = True  # type: ignore[attr-defined] # our own store
        try:
            request._cached_user = auth.get_user(request)  # type: ignore[attr-defined] # where Django keeps it
        finally:
            request.session.signed_anew = False  # type: ignore[attr-defined]
    user: User | AnonymousUser = request._cached_user  # type: ignore[attr-defined]
    return user


def login_still_holds(session: WebSocketSession) -> bool:
    """Whether a connection's user may still use it: active, and with the password that it was opened under.

    As the library's `_login_still_holds`, by older keys as well.
    """
    user: User | None = session.user
    if user is None or not user.is_active:
        return False
    if not session.auth_hash or constant_time_compare(session.auth_hash, hash_user_auth(user)):
        return True
    under_older_keys = zip(settings.SECRET_KEY_FALLBACKS, user.get_session_auth_fallback_hash(), strict=True)
    return any(
        constant_time_compare(
            session.auth_hash,
            salted_hmac(_AUTH_HASH_SALT, auth_hash, secret=key, algorithm="sha256").hexdigest(),
        )
        for key, auth_hash in under_older_keys
    )
