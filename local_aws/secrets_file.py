"""Generated secrets, kept in a file that only its owner can read, so that they survive restarts."""

from __future__ import annotations

import json
import os
import secrets
import string
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local_aws.errors import StackError

_PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"


class SecretsFile:
    """Secret values by a name that stays the same from start to start."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._values: dict[str, str] = {}
        self._changed = False
        if path.exists():
            try:
                values = json.loads(path.read_text())
                self._values = {str(name): str(value) for name, value in values.items()}
            except (OSError, ValueError, AttributeError) as error:
                raise StackError(
                    f"{path} holds the stack's secrets and can't be read ({error}): restore it, or delete it "
                    "to have new ones made (people must then sign in again)."
                ) from error

    def generated(self, name: str, generate: Mapping[str, Any]) -> str:
        """The secret of that name, made as `GenerateSecretString` says where there is none yet."""
        if name not in self._values:
            self._values[name] = _generate(generate)
            self._changed = True
        return self._values[name]

    def save(self) -> None:
        """Write the file if there is something new to write."""
        if not self._changed:
            return
        new = self._path.with_name(f"{self._path.name}.new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(self._values, file, indent=1)
            file.flush()
            os.fsync(descriptor)
        new.replace(self._path)
        self._changed = False


def _generate(options: Mapping[str, Any]) -> str:
    password = _password(options)
    key = options.get("GenerateStringKey")
    if not key:
        return password
    template = json.loads(options.get("SecretStringTemplate") or "{}")
    return json.dumps(template | {key: password})


def _password(options: Mapping[str, Any]) -> str:
    """As Secrets Manager's GetRandomPassword: 32 characters unless told otherwise, one of each kind."""
    kinds = [
        characters
        for option, characters in (
            ("ExcludeLowercase", string.ascii_lowercase),
            ("ExcludeUppercase", string.ascii_uppercase),
            ("ExcludeNumbers", string.digits),
            ("ExcludePunctuation", _PUNCTUATION),
        )
        if not _true(options.get(option))
    ]
    if _true(options.get("IncludeSpace")):
        kinds.append(" ")
    excluded = set(str(options.get("ExcludeCharacters") or ""))
    kinds = [kept for kind in kinds if (kept := "".join(c for c in kind if c not in excluded))]
    if not kinds:
        raise StackError("A generated secret of the template excludes every character.")
    length = int(options.get("PasswordLength") or 32)
    required = [] if options.get("RequireEachIncludedType") in (False, "false") else kinds
    everything = "".join(kinds)
    characters = [secrets.choice(kind) for kind in required[:length]]
    characters += [secrets.choice(everything) for _ in range(length - len(characters))]
    secrets.SystemRandom().shuffle(characters)
    return "".join(characters)


def _true(value: object) -> bool:
    return value in (True, "true")
