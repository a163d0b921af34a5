"""app.py as people and the CDK CLI start it."""

from __future__ import annotations

from pathlib import Path

import pytest

import app
from infra import synthesis
from infra.failure import Failure
from tests.infra.conftest import run_app


def test_a_site_that_is_not_built_is_said_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(synthesis, "CLIENT", synthesis.ROOT / "frontend" / "nowhere")

    with pytest.raises(Failure, match=r"frontend/nowhere/index.html is not built yet: run `make build`"):
        synthesis.synthesise({}, tmp_path)


def test_a_profile_that_there_is_not_ends_with_a_sentence(tmp_path):
    done = run_app(tmp_path / "out", {"profile": "prod"})

    assert done.returncode == 1
    assert done.stderr.splitlines() == ["There is no profile 'prod': choose one of try, production, laptop."]


def test_without_node_it_says_what_brings_it(monkeypatch, capsys):
    monkeypatch.setattr(app.node, "node", lambda: Path("/nowhere/node"))

    assert app.main() == 1
    assert capsys.readouterr().err == "The CDK needs Node 20 or later: run `make install`, which brings it.\n"


def test_the_context_of_cdk_json_holds_unless_overridden(monkeypatch):
    monkeypatch.delenv("CDK_CONTEXT_JSON", raising=False)
    assert app.context()["profile"] == "try"
    monkeypatch.setenv("CDK_CONTEXT_JSON", '{"profile": "production"}')
    assert app.context()["profile"] == "production"
    assert app.context()["@aws-cdk/core:checkSecretUsage"] is True


def test_what_is_compiled_is_kept_also_where_python_was_told_to_write_nothing(monkeypatch):
    monkeypatch.setattr(app.sys, "dont_write_bytecode", True)
    monkeypatch.setattr(app.sys, "pycache_prefix", None)

    app.keep_bytecode()

    assert app.sys.dont_write_bytecode is False
    assert app.sys.pycache_prefix == str(app.ROOT / ".cache" / "bytecode")


def test_who_lets_python_write_has_it_written_where_python_does(monkeypatch):
    monkeypatch.setattr(app.sys, "dont_write_bytecode", False)
    monkeypatch.setattr(app.sys, "pycache_prefix", None)

    app.keep_bytecode()

    assert app.sys.pycache_prefix is None
