"""Where the APIs of an assembly are on this machine: the one place that decides how an address looks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from local_aws.edge.behaviours import behaviour_for
from local_aws.model import Assembly, Distribution, HttpApi, WebSocketApi


class Addresses:
    """The edge's addresses of APIs.

    An API is at its stage where it is the only one of its kind; its id goes before the stage where there are
    several, or where the distribution's behaviours lead somewhere else.
    """

    def __init__(
        self,
        websocket_apis: Sequence[WebSocketApi],
        http_apis: Sequence[HttpApi],
        distributions: Sequence[Distribution],
        port: int,
    ) -> None:
        self._websocket_ids = {api.id for api in websocket_apis}
        self._http_ids = {api.id for api in http_apis}
        self._distribution = distributions[0] if distributions else None
        self._edge = f"127.0.0.1:{port}"

    def of(self, api: WebSocketApi | HttpApi) -> str:
        """Where clients reach an API's stage."""
        is_websocket = isinstance(api, WebSocketApi)
        base = self.base(api.id, is_websocket=is_websocket, path=_stage_path(api))
        return f"{'ws' if is_websocket else 'http'}://{base}{_stage_path(api)}"

    def base(self, api_id: str, *, is_websocket: bool, path: str) -> str:
        """Host, port and what comes before the stage, for an API of which `path` is wanted."""
        alone = len(self._websocket_ids if is_websocket else self._http_ids) == 1
        return self._edge if alone and self._leads_to(api_id, path or "/") else f"{self._edge}/{api_id}"

    def _leads_to(self, api_id: str, path: str) -> bool:
        if self._distribution is None:
            return True
        behaviour = behaviour_for(self._distribution, path)
        return behaviour is not None and behaviour.origin.target == api_id


def addresses(assembly: Assembly, port: int) -> Iterator[tuple[str, str]]:
    """What a person may open, with its address."""
    found = Addresses(assembly.websocket_apis, assembly.http_apis, assembly.distributions, port)
    for socket_api in assembly.websocket_apis:
        yield f"WebSocket API {socket_api.name}", found.of(socket_api)
    for site_api in assembly.http_apis:
        yield f"HTTP API {site_api.name}", found.of(site_api)


def _stage_path(api: WebSocketApi | HttpApi) -> str:
    return "" if api.stage == "$default" else f"/{api.stage}"
