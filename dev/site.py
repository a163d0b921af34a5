"""What the bucket serves: the built web client and Django's collected static files."""

from __future__ import annotations

from dev.node import npm
from dev.paths import CLIENT, DJANGO_STATIC, FRONTEND, ROOT, VENV_PYTHON
from dev.processes import run
from dev.python_packages import LOCK as PYTHON_LOCK
from dev.steps import Step


def client_step() -> Step:
    """Build the web client into frontend/dist."""
    return Step(
        name="Web client",
        doing="building",
        work=_build_client,
        inputs=[FRONTEND],
        makes=CLIENT / "index.html",
    )


def static_step() -> Step:
    """Collect the admin's style sheets and scripts into build/static."""
    return Step(
        name="Static files",
        doing="collecting Django's",
        work=_collect_static,
        inputs=[PYTHON_LOCK, ROOT / "django_project" / "settings.py"],
        makes=DJANGO_STATIC / "admin",
    )


def _build_client() -> None:
    npm(
        "run",
        "build",
        what="The web client could not be built",
        hint="`npm run build` in frontend/ shows why.",
    )


def _collect_static() -> None:
    run(
        [VENV_PYTHON, "manage.py", "collectstatic", "--no-input", "--clear", "-v", "0"],
        what="Django's static files could not be collected",
        hint="`.venv/bin/python manage.py collectstatic` shows why.",
    )
