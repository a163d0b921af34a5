"""Where a function's call would go: to this stack, or away from this machine. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from local_aws.model import Assembly, Function

_AWS = re.compile(r"(?:[a-z0-9-]+\.)*(?:amazonaws\.com|api\.aws)")
_API = re.compile(r"(?P<api>[a-z0-9]+)\.execute-api\.[a-z0-9-]+\.amazonaws\.com")
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+){1,2}-\d")
_PORTS = (80, 443)


class Destinations:
    """What the stack answers for, and how to say that it doesn't."""

    def __init__(self, assembly: Assembly) -> None:
        self.replace(assembly)

    def replace(self, assembly: Assembly) -> None:
        """Answer for another assembly."""
        self._region = assembly.region
        self._functions: Mapping[str, Function] = assembly.functions
        self._apis = {api.id for api in assembly.websocket_apis} | {api.id for api in assembly.http_apis}

    def refusal(self, host: str, port: int, caller: str | None) -> str | None:
        """Why a call isn't answered here: a sentence that names who calls what. None where it is."""
        reason = self._reason(host, port)
        if reason is None:
            return None
        named = f"{host}:{port}" if port not in _PORTS else host
        function = self._functions.get(caller or "")
        sentence = f"{caller or 'Somebody'} called {named}, which {reason}."
        if function is not None and function.network is not None and not function.network.internet:
            sentence += " On AWS the call would hang: the function's subnets have no way to the internet."
        return sentence

    def warning(self, service: str, caller: str | None) -> str | None:
        """What to know of a call that is answered here, to a service as host names call it."""
        function = self._functions.get(caller or "")
        if function is None or function.network is None or function.network.reaches(service):
            return None
        return (
            f"{caller} called {service}. On AWS the call would hang: the function's subnets have no way to "
            "the internet, and their VPC has no endpoint for it."
        )

    def _reason(self, host: str, port: int) -> str | None:
        if port not in _PORTS or not _AWS.fullmatch(host):
            return "would have left this machine: nothing does"
        regions = [label for label in host.split(".") if _REGION.fullmatch(label)]
        if any(region != self._region for region in regions):
            return f"is in another region than this stack ({self._region}): it would have left this machine"
        api = _API.fullmatch(host)
        if api is not None and api["api"] not in self._apis:
            return "is no API of this stack: it would have left this machine"
        return None


def service_of(host: str) -> str:
    """The service in a host name: `sqs` of sqs.eu-west-1.amazonaws.com, `s3` of bucket.s3.amazonaws.com."""
    labels = [label for label in host.split(".") if not _REGION.fullmatch(label)]
    for name in ("execute-api", "s3"):
        if name in labels:
            return name
    return labels[0]
