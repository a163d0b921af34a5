"""Lets requests in: finds out who sends them, and refuses what their policies don't allow."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable

from local_aws.access import forms, version_2
from local_aws.access.calls import Need
from local_aws.http import Request
from local_aws.roles import Principal, Roles
from local_aws.signatures import Fault, Headers, Refused, Verifier, read

# Served by this stack itself, which is in one region.
_REGIONAL = ("execute-api", "lambda", "sqs")
_KEY_ID = re.compile(r"[A-Za-z0-9_./+=-]{1,128}")
_INVALID_TOKEN = "The security token included in the request is invalid."  # noqa: S105 - a sentence
_EXPIRED_TOKEN = "The security token included in the request is expired"  # noqa: S105 - a sentence
# A function that tries again and again says the same thing again and again.
_REPEATED_SECONDS = 10.0
_MOST_REMEMBERED = 1000


class Denied(Exception):
    """The sender may not do that. The text is AWS's message."""


class Access:
    """Checks requests against the roles of a stack. Refusals are said once in a while, each by `say`."""

    def __init__(
        self, roles: Roles, say: Callable[[str], None], *, clock: Callable[[], float] = time.time
    ) -> None:
        self.roles = roles
        self._say = say
        self._clock = clock
        self._verifier = Verifier(clock)
        self._said: dict[str, float] = {}

    def principal(self, request: Request, headers: Headers, service: str) -> Principal:
        """Who sends a request. Raises `Refused`.

        A key that was made here must have signed it for that service; any other key is the developer's, whose
        secret isn't known here. Without a signature it is anybody, who is let in to S3 only.
        """
        try:
            signature = read(request, headers)
        except Refused as refused:
            if refused.fault is Fault.MISSING and service == "s3":
                form = forms.fields(request, headers)
                key = (
                    forms.key_of(form, self.roles.known, self._clock())
                    or version_2.key_of_form(form, self.roles.known, self._clock())
                    or version_2.key_of_url(request, headers, self.roles.known, self._clock())
                )
                return self.roles.anybody if key is None else self._holder(key)
            raise
        known = self.roles.known(signature.access_key)
        if known is None:
            return self._holder(signature.access_key)
        if known.token != signature.token:
            raise Refused(Fault.UNKNOWN_KEY, _INVALID_TOKEN)
        if signature.service != service:
            raise Refused(Fault.MISMATCH, f"Credential should be scoped to correct service: '{service}'.")
        if service in _REGIONAL and signature.region != self.roles.region:
            raise Refused(
                Fault.MISMATCH, f"Credential should be scoped to a valid region, not '{signature.region}'."
            )
        self._verifier.verify(request, headers, signature, known.secret)
        return self._holder(signature.access_key)

    def _holder(self, access_key: str) -> Principal:
        if self.roles.known(access_key) is None:
            if access_key.startswith(Roles.SESSION_PREFIX):
                raise Refused(Fault.EXPIRED_TOKEN, _EXPIRED_TOKEN)
            if not _KEY_ID.fullmatch(access_key):
                raise Refused(Fault.UNKNOWN_KEY, _INVALID_TOKEN)
        return self.roles.principal(access_key)

    def check(self, principal: Principal, needs: Iterable[Need]) -> None:
        """Raise `Denied` where the principal may not do one of these things."""
        for need in needs:
            decision = self.roles.authorize(principal, need.action, need.resource, need.context)
            if not decision.allowed:
                assert principal.role is not None
                self.say_once(
                    f"{principal.session} may not do {need.action} on {need.resource} with its role "
                    f"{principal.role.name}: {decision.reason}. {decision.note}".rstrip()
                )
                raise Denied(decision.message)

    def say_once(self, sentence: str) -> None:
        """Say something in the terminal, unless it was said just now."""
        now = self._clock()
        if now - self._said.get(sentence, 0.0) < _REPEATED_SECONDS:
            return
        if len(self._said) >= _MOST_REMEMBERED:
            self._said.clear()
        self._said[sentence] = now
        self._say(sentence)
