"""Firefox and WebKitGTK for the browser tests: Debian's packages, which nothing else here needs."""

from __future__ import annotations

import glob
import os
import shutil

from dev.failure import Failure
from dev.processes import run
from dev.steps import say

_PACKAGES = ("firefox-esr", "webkit2gtk-driver", "xvfb")
_MINI_BROWSERS = "/usr/lib*/*/webkit2gtk-4.*/MiniBrowser"


def install() -> None:
    """Bring what is missing by apt, where that is there and allowed.

    Raises Failure naming what is missing where it isn't.
    """
    missing = _missing()
    if not missing:
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        say(f"Engines: apt-get install {' '.join(_PACKAGES)} …")
        why = "They come from Debian's or Ubuntu's packages: check the connection to them."
        run(["apt-get", "update", "-q"], what="The list of packages could not be fetched", hint=why)
        install = ["apt-get", "install", "-q", "-y", "--no-install-recommends", *_PACKAGES]
        run(install, what="The browsers could not be installed", hint=why)
        missing = _missing()
    if missing:
        raise Failure(
            f"Missing: {', '.join(missing)}. On Debian: sudo apt-get install {' '.join(_PACKAGES)}; "
            "elsewhere install Firefox, WebKitGTK's MiniBrowser with WebKitWebDriver, and Xvfb."
        )


def _missing() -> list[str]:
    found = {
        "Firefox": shutil.which("firefox-esr") or shutil.which("firefox"),
        "WebKitWebDriver": shutil.which("WebKitWebDriver"),
        "WebKitGTK's MiniBrowser": glob.glob(_MINI_BROWSERS),
        "Xvfb": shutil.which("Xvfb"),
    }
    return [name for name, place in found.items() if not place]
