"""Points the public addresses of an assembly's APIs at this machine."""

from __future__ import annotations

import re
from collections.abc import Sequence

from local_aws.assembly.site import Site
from local_aws.model import HttpApi, WebSocketApi


class Endpoints:
    """Rewrites `https://ID.execute-api.REGION.amazonaws.com` and its `wss` form where a value holds them.

    A WebSocket API's `https` form is its @connections, which the AWS endpoint serves; browsers use the edge.
    """

    def __init__(
        self,
        websocket_apis: Sequence[WebSocketApi],
        http_apis: Sequence[HttpApi],
        region: str,
        site: Site,
    ) -> None:
        self._endpoint = f"http://127.0.0.1:{site.endpoint_port}"
        self._edge = f"127.0.0.1:{site.port}"
        self._websockets = {api.id for api in websocket_apis}
        self._http = {api.id for api in http_apis}
        host = rf"\.execute-api\.{re.escape(region)}\.amazonaws\.com"
        self._pattern = re.compile(rf"\b(https|wss)://([a-z0-9]{{10}}){host}")

    def rewritten(self, value: str) -> str:
        """`value` with every address of these APIs replaced."""
        return self._pattern.sub(self._replacement, value)

    def _replacement(self, match: re.Match[str]) -> str:
        scheme, api_id = match.groups()
        if api_id in self._websockets:
            if scheme == "https":
                return f"{self._endpoint}/{api_id}"
            return f"ws://{self._edge}" + (f"/{api_id}" if len(self._websockets) > 1 else "")
        if api_id in self._http:
            return f"http://{self._edge}" + (f"/{api_id}" if len(self._http) > 1 else "")
        return match[0]
