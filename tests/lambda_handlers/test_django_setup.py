"""What a function loads when its environment starts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def in_a_new_environment(program: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", f"import json, sys\n{program}"],
        cwd=ROOT,
        env={"DJANGO_SETTINGS_MODULE": "django_project.settings", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("function", ["websocket", "http", "sessions", "broadcast", "migrate"])
def test_no_function_loads_the_sdk(function: str) -> None:
    loaded = in_a_new_environment(
        f"import lambda_handlers.{function}\n"
        "print(json.dumps([name for name in sys.modules if name.startswith(('boto3.', 'botocore.session'))]))"
    )
    assert loaded == []


def test_the_sdk_is_there_for_who_uses_it() -> None:
    answer = in_a_new_environment(
        "import lambda_handlers.broadcast\n"
        "import boto3\n"
        "from boto3.session import Session\n"
        "from django_aws_api_gateway_websockets import models\n"
        "client = models.boto3.client('sqs', region_name='eu-west-1')\n"
        "print(json.dumps([client.meta.service_model.service_name, Session.__name__, boto3.__version__[0]]))"
    )
    assert answer == ["sqs", "Session", "1"]
