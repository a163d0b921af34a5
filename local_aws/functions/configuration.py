"""The environment variables that a function's process starts with, as the Lambda service sets them."""

from __future__ import annotations

import os
from collections.abc import Mapping

from local_aws.functions.layers import python_path
from local_aws.model import Function

# What a process needs of the machine that it runs on. Nothing else of a developer's environment gets in: no
# credentials, no settings, and no PYTHONDONTWRITEBYTECODE, which would double each cold start.
_OF_THE_MACHINE = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "SYSTEMROOT")


def nobody(function: Function) -> Mapping[str, str]:
    """Credentials of no account: a developer's own must never be used here."""
    return {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_SESSION_TOKEN": "local"}


def function_environment(
    function: Function,
    *,
    region: str,
    endpoint_url: str,
    identity: Mapping[str, str],
    log_stream: str = "local",
) -> dict[str, str]:
    """All variables but AWS_LAMBDA_RUNTIME_API, which each process has its own of.

    `identity` are the credentials of the function's role, and the ways out of its process.
    """
    machine = {name: os.environ[name] for name in _OF_THE_MACHINE if name in os.environ}
    # As on AWS, a template can't set the reserved ones.
    reserved = _reserved(function, region, endpoint_url, log_stream)
    return {**machine, **function.environment, **reserved, **identity}


def _reserved(function: Function, region: str, endpoint_url: str, log_stream: str) -> Mapping[str, str]:
    variables = {
        "_HANDLER": function.handler,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group or f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "AWS_LAMBDA_LOG_FORMAT": function.log_format,
        "LAMBDA_TASK_ROOT": str(function.code),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": endpoint_url,
        "PYTHONPATH": os.pathsep.join(map(str, python_path(function))),
        "LANG": "C.UTF-8",
        "TZ": ":UTC",
    }
    if function.log_format == "JSON":
        variables["AWS_LAMBDA_LOG_LEVEL"] = function.application_log_level
    return variables
