"""Firefox without a window, driven by its own WebDriver BiDi: no driver program stands between."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from websockets.sync.client import connect

from tests.engines.screen import Screen
from tests.stack.running import Stack

_ANSWER_WITHIN = 30.0
_PREFERENCES = {
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.update.enabled": False,
    "intl.accept_languages": "en-GB",
    "remote.active-protocols": 1,
}


class Firefox(Screen):
    """A Firefox with a new profile."""

    def __init__(self, stack: Stack, *, dark: bool = False) -> None:
        super().__init__(stack)
        program = shutil.which("firefox-esr") or shutil.which("firefox")
        assert program is not None, "Firefox isn't installed: make test-engines says how"
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        preferences = {**_PREFERENCES, "ui.systemUsesDarkTheme": int(dark)}
        lines = [
            f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in preferences.items()
        ]
        Path(self._profile.name, "user.js").write_text("\n".join(lines), encoding="utf-8")
        command = [program, "--headless", "--no-remote", "--profile", self._profile.name]
        self._printed = Path(self._profile.name, "printed")
        with self._printed.open("wb") as printed:
            self._process = subprocess.Popen(
                [*command, "--remote-debugging-port", "0"], stdout=printed, stderr=printed
            )
        self._numbers = itertools.count(1)
        self._socket = connect(f"{self._address()}/session", proxy=None, max_size=None, legacy=True)
        self._call("session.new", capabilities={})
        self._context = self._call("browsingContext.getTree")["contexts"][0]["context"]
        self.resize(1280, 800)

    def _address(self) -> str:
        deadline = time.monotonic() + _ANSWER_WITHIN
        while (
            found := re.search(r"BiDi listening on (ws://\S+)", self._printed.read_text("utf-8", "replace"))
        ) is None:
            assert self._process.poll() is None, "Firefox ended"
            assert time.monotonic() < deadline, "Firefox doesn't listen"
            time.sleep(0.05)
        return found[1]

    def _call(self, method: str, **parameters: Any) -> Any:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._socket.recv(timeout=_ANSWER_WITHIN))
            if answer.get("id") != number:
                continue
            assert answer["type"] == "success", answer
            return answer["result"]

    def go(self, url: str) -> None:
        self._call("browsingContext.navigate", context=self._context, url=url, wait="interactive")

    def back(self) -> None:
        self._call("browsingContext.traverseHistory", context=self._context, delta=-1)

    def run(self, script: str, *arguments: Any) -> Any:
        # As JSON both ways: BiDi has its own spelling of values. A page may be on its way to another one.
        call = f"(async function () {{ {script} }})(...{json.dumps(arguments)})"
        body = f"async () => JSON.stringify(await {call} ?? null)"
        answer = self._call(
            "script.callFunction",
            functionDeclaration=body,
            awaitPromise=True,
            target={"context": self._context},
            userActivation=True,
        )
        assert answer["type"] == "success", answer["exceptionDetails"]["text"]
        return json.loads(answer["result"]["value"])

    def act(self, actions: list[dict[str, Any]]) -> None:
        self._call("input.performActions", context=self._context, actions=actions)

    def resize(self, width: int, height: int) -> None:
        self._call(
            "browsingContext.setViewport", context=self._context, viewport={"width": width, "height": height}
        )

    def close(self) -> None:
        self._socket.close()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._profile.cleanup()
