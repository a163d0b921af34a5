"""`make audit`: what the auditors print is told apart, and where they can't ask nothing is called clean."""

from __future__ import annotations

import json

import pytest

from dev import audit
from dev.audit import NotAsked, vulnerable_node, vulnerable_python
from dev.failure import Failure


def pip_audit(*packages: dict[str, object]) -> str:
    return json.dumps({"dependencies": list(packages), "fixes": []})


CLEAN = {"name": "django", "version": "5.2", "vulns": []}
VULNERABLE = {"name": "django", "version": "5.0", "vulns": [{"id": "PYSEC-1"}, {"id": "PYSEC-2"}]}


def test_what_is_found_is_named() -> None:
    assert vulnerable_python(pip_audit(CLEAN)) == []
    assert vulnerable_python(pip_audit(VULNERABLE)) == ["django 5.0: PYSEC-1", "django 5.0: PYSEC-2"]
    assert vulnerable_node('{"vulnerabilities": {}}') == []
    assert vulnerable_node('{"vulnerabilities": {"vite": {"severity": "high"}}}') == ["vite: high"]


def test_packages_that_were_passed_over_are_not_clean() -> None:
    """pip-audit ends with 0 and "No known vulnerabilities found" where PyPI told it nothing."""
    with pytest.raises(NotAsked, match="1 of 2"):
        vulnerable_python(pip_audit(CLEAN, {"name": "mangum", "skip_reason": "not found on PyPI"}))


@pytest.mark.parametrize("printed", ["", "Traceback …", '{"message": "405", "method": "POST"}', "[]", "null"])
def test_an_auditor_that_failed_has_found_nothing_out(printed: str) -> None:
    for read in (vulnerable_python, vulnerable_node):
        with pytest.raises(NotAsked):
            read(printed)


def test_offline_is_said_in_a_sentence_with_a_status_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(audit, "_printed", lambda *_: "")
    with pytest.raises(SystemExit) as ended:
        audit.audit()
    assert ended.value.code == audit.NOT_ASKED == 3
    assert "takes a connection to pypi.org and to registry.npmjs.org" in capsys.readouterr().err


def test_a_find_is_a_failure_even_where_others_could_not_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        audit, "_printed", lambda command, *_: pip_audit(VULNERABLE) if "uv" in command else ""
    )
    with pytest.raises(Failure, match="known vulnerabilities"):
        audit.audit()
