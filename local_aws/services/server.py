"""The process that runs moto: `python -m local_aws.services.server DECLARED STATE TELL`.

DECLARED is a file of JSON: what to make. STATE is the folder that keeps the services' data. TELL is the
number of an open pipe: a JSON object on each line tells the stack that the services are ready (and at which
port), that they can't be, and what leaves them for functions and queues.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from local_aws.services import taps
from local_aws.services.creation import OWN_KEY, Creation, CreationFailed
from local_aws.services.state import State

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# Where the stack says which service a request is for.
SERVICE_HEADER = "HTTP_X_STACK_SERVICE"


class _Handler(MotoRequestHandler):
    """Keeps connections open, and doesn't log each request."""

    protocol_version = "HTTP/1.1"

    def log_request(self, *_: object) -> None:
        pass


class _Application:
    """moto's services, each with what the template declares of it made before its first answer."""

    def __init__(self, creation: Creation, state: State) -> None:
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._creation = creation
        self._state = state

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer: Iterable[bytes]
        if f"Credential={OWN_KEY}/" in environ.get("HTTP_AUTHORIZATION", ""):
            answer = self._moto(environ, start_response)
            return answer
        service = environ[SERVICE_HEADER]
        try:
            self._creation.make(service, self._state.restore)
        except CreationFailed as error:
            start_response("500 Internal Server Error", [("Content-Type", "application/json")])
            return [json.dumps({"__type": "InternalFailure", "message": str(error)}).encode()]
        with self._state.lock(service):
            answer = list(self._moto(environ, start_response))
        operation = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
        self._state.note(service, environ["REQUEST_METHOD"], operation)
        return answer


class _Pipe:
    """Takes whole messages from any thread."""

    def __init__(self, descriptor: int) -> None:
        self._file = os.fdopen(descriptor, "w", encoding="utf-8")
        self._lock = threading.Lock()

    def tell(self, message: Mapping[str, Any]) -> None:
        line = json.dumps(message) + "\n"
        with self._lock:
            try:
                self._file.write(line)
                self._file.flush()
            except BrokenPipeError:  # the stack is gone, and so will be this process
                os._exit(0)


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM."""
    declared_path, folder, descriptor = arguments
    declared = json.loads(Path(declared_path).read_text(encoding="utf-8"))
    os.environ["MOTO_ACCOUNT_ID"] = declared["account"]
    logging.basicConfig(level=logging.WARNING)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    pipe = _Pipe(int(descriptor))
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    port = listener.getsockname()[1]
    creation = Creation(declared, f"http://127.0.0.1:{port}")
    state = State(Path(folder), creation)
    server = make_server(
        "127.0.0.1",
        port,
        _Application(creation, state),
        threaded=True,
        request_handler=_Handler,
        fd=listener.fileno(),
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        for service in declared["eager"]:
            creation.make(service, state.restore)
    except CreationFailed as error:
        pipe.tell({"kind": "failed", "reason": str(error)})
        return 1
    taps.install(pipe.tell)
    pipe.tell({"kind": "ready", "port": port})
    threading.Thread(target=state.keep_writing, daemon=True).start()
    stop.wait()
    state.write()
    return 0


if __name__ == "__main__":
    status = main(sys.argv[1:])
    # Threads that answer somebody may be in the middle of it: there is nothing to wait for.
    os._exit(status)
