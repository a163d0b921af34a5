"""WebKitGTK's own small browser, near to Safari, driven by WebKitWebDriver on a screen that nobody sees."""

from __future__ import annotations

import contextlib
import glob
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from typing import Any

import pytest
import requests

from tests.engines.screen import Screen
from tests.stack.running import Stack

_BROWSERS = "/usr/lib*/*/webkit2gtk-4.*/MiniBrowser"
_ANSWER_WITHIN = 30.0


class WebKit(Screen):
    """A MiniBrowser with its own driver: a driver has one session."""

    def __init__(self, stack: Stack, *, dark: bool = False) -> None:
        super().__init__(stack)
        found = glob.glob(_BROWSERS)
        driver, display = shutil.which("WebKitWebDriver"), shutil.which("Xvfb")
        if not (found and driver and display):
            pytest.fail("WebKitGTK isn't installed: make test-engines says how")
        self._home = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._processes: list[subprocess.Popen[bytes]] = []
        number = self._start_display(display)
        environment = {
            **os.environ,
            "DISPLAY": f":{number}",
            "HOME": self._home.name,
            "XDG_CACHE_HOME": self._home.name,
            "XDG_DATA_HOME": self._home.name,
            "LANG": "C.UTF-8",
            "GTK_THEME": "Adwaita:dark" if dark else "Adwaita",
            # Its sandbox needs what a container lacks; the pages are our own.
            "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1",
            "WEBKIT_DISABLE_COMPOSITING_MODE": "1",
        }
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self._processes.append(
            subprocess.Popen([driver, f"--port={port}"], env=environment, stderr=subprocess.DEVNULL)
        )
        self._http = requests.Session()
        self._http.trust_env = False
        self._base = f"http://127.0.0.1:{port}"
        options = {"binary": found[0], "args": ["--automation"]}
        self._wait_for_driver()
        made = self._post(
            "/session", {"capabilities": {"alwaysMatch": {"webkitgtk:browserOptions": options}}}
        )
        self._base += f"/session/{made['sessionId']}"
        self.resize(1280, 800)

    def _start_display(self, program: str) -> int:
        read, write = os.pipe()
        command = [program, "-displayfd", str(write), "-screen", "0", "1600x1200x24", "-nolisten", "tcp"]
        self._processes.append(subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL))
        os.close(write)
        with os.fdopen(read) as answer:
            return int(answer.readline())

    def _wait_for_driver(self) -> None:
        deadline = time.monotonic() + _ANSWER_WITHIN
        while True:
            try:
                self._http.get(f"{self._base}/status", timeout=5)
                return
            except requests.ConnectionError:
                assert time.monotonic() < deadline, "WebKitWebDriver doesn't listen"
                time.sleep(0.05)

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        answer = self._http.post(self._base + path, json=body, timeout=_ANSWER_WITHIN)
        assert answer.ok, answer.text
        return answer.json()["value"]

    def go(self, url: str) -> None:
        self._post("/url", {"url": url})

    def back(self) -> None:
        self._post("/back", {})

    def run(self, script: str, *arguments: Any) -> Any:
        body = (
            "const done = arguments[arguments.length - 1];"
            f"(async function () {{ {script} }})(...arguments)"
            ".then((value) => done(JSON.stringify(value ?? null)), (error) => done(`!${error}`));"
        )
        answer = str(self._post("/execute/async", {"script": body, "args": list(arguments)}))
        assert not answer.startswith("!"), answer
        return json.loads(answer)

    def act(self, actions: list[dict[str, Any]]) -> None:
        self._post("/actions", {"actions": actions})

    def resize(self, width: int, height: int) -> None:
        # The window has a frame, whose size only the page can tell.
        for _ in range(3):
            window = self._http.get(f"{self._base}/window/rect", timeout=_ANSWER_WITHIN).json()["value"]
            inner = self.run("return [innerWidth, innerHeight]")
            if inner == [width, height]:
                return
            size = {
                "width": window["width"] + width - inner[0],
                "height": window["height"] + height - inner[1],
            }
            self._post("/window/rect", size)
            time.sleep(0.3)

    def close(self) -> None:
        with contextlib.suppress(requests.RequestException):
            self._http.delete(self._base, timeout=10)
        for process in reversed(self._processes):
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._http.close()
        self._home.cleanup()
