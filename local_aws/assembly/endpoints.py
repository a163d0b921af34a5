"""Points the public addresses of an assembly's APIs at this machine."""

from __future__ import annotations

import re
from collections.abc import Sequence

from local_aws.addresses import Addresses
from local_aws.model import HttpApi, WebSocketApi


class Endpoints:
    """Rewrites `https://ID.execute-api.REGION.amazonaws.com` and its `wss` form where a value holds them.

    A WebSocket API's `https` form is its @connections, which the AWS endpoint serves; the edge has the rest.
    """

    def __init__(
        self,
        websocket_apis: Sequence[WebSocketApi],
        http_apis: Sequence[HttpApi],
        addresses: Addresses,
        *,
        region: str,
        endpoint_port: int,
    ) -> None:
        self._addresses = addresses
        self._endpoint = f"http://127.0.0.1:{endpoint_port}"
        self._websocket_ids = {api.id for api in websocket_apis}
        self._http_ids = {api.id for api in http_apis}
        host = rf"\.execute-api\.{re.escape(region)}\.amazonaws\.com"
        self._pattern = re.compile(rf"\b(https|wss)://([a-z0-9]{{10}}){host}(/[^/?#\s\"']*)?")

    def rewritten(self, value: str) -> str:
        """`value` with every address of these APIs replaced."""
        return self._pattern.sub(self._replacement, value)

    def _replacement(self, match: re.Match[str]) -> str:
        scheme, api_id, path = match[1], match[2], match[3] or ""
        if api_id in self._websocket_ids and scheme == "https":
            return f"{self._endpoint}/{api_id}{path}"
        if api_id in self._websocket_ids:
            return f"ws://{self._addresses.base(api_id, is_websocket=True, path=path)}{path}"
        if api_id in self._http_ids:
            return f"http://{self._addresses.base(api_id, is_websocket=False, path=path)}{path}"
        return match[0]
