"""A certificate authority of this stack's own, kept in its data folder."""

from __future__ import annotations

import os
import ssl
import tempfile
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from local_aws.errors import StackError

# What makes certificates takes 0.1 s to import, and only a start's first call by TLS needs it.
if TYPE_CHECKING:
    from local_aws.proxy.certificates import Issuer


class Authority:
    """The authority in a folder, made there at the first start. `certificate` is what clients must trust."""

    def __init__(self, folder: Path) -> None:
        self.certificate = folder / "authority.pem"
        self._key = folder / "authority.key"
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not (self.certificate.exists() and self._key.exists()):
                self._make()
        except OSError as error:
            raise StackError(
                f"The proxy's certificates can't be kept in {folder}: {error.strerror}."
            ) from error

    @lru_cache(maxsize=512)  # noqa: B019 - it lives as long as the stack
    def context(self, host: str) -> ssl.SSLContext:
        """What a server needs to be `host`. Raises `ValueError` for damaged files."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        with tempfile.NamedTemporaryFile(dir=self._folder, suffix=".pem") as file:  # made with mode 600
            file.write(self._issuer.issue(host))
            file.flush()
            context.load_cert_chain(file.name)
        return context

    @cached_property
    def _issuer(self) -> Issuer:
        from local_aws.proxy.certificates import Issuer

        try:
            return Issuer(self.certificate.read_bytes(), self._key.read_bytes())
        except (OSError, ValueError) as error:
            raise ValueError(
                f"{self._folder} holds no authority that can be used ({error}): delete it and start again"
            ) from error

    def _make(self) -> None:
        from local_aws.proxy.certificates import new_authority

        certificate, key = new_authority()
        _write(self._key, key)
        _write(self.certificate, certificate)


def _write(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read."""
    new = path.with_suffix(".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    new.replace(path)
