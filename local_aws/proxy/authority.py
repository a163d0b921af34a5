"""A certificate authority of this stack's own, for AWS's host names only, and what it issues."""

from __future__ import annotations

import os
import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from local_aws.errors import StackError

_YEARS = timedelta(days=3650)
_RENEWED_BEFORE = timedelta(days=30)
_LEAF_LIFE = timedelta(days=90)
# Whoever gets hold of the key can pretend to be one of these to this machine's functions, and nobody else.
_NAMES = ("amazonaws.com", "api.aws")


class Authority:
    """The authority in a folder, made there at the first start. `certificate` is what clients must trust."""

    def __init__(self, folder: Path) -> None:
        self.certificate = folder / "authority.pem"
        key_file = folder / "authority.key"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not _usable(self.certificate, key_file):
                _make(self.certificate, key_file)
            key = serialization.load_pem_private_key(key_file.read_bytes(), None)
            self._issuer = x509.load_pem_x509_certificate(self.certificate.read_bytes()).subject
        except (OSError, ValueError, TypeError) as error:
            raise StackError(
                f"{folder} holds the stack's certificate authority and can't be used ({error}): delete it to "
                "have a new one made."
            ) from error
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        self._key = key
        self._folder = folder
        self._leaf_key = ec.generate_private_key(ec.SECP256R1())

    @lru_cache(maxsize=512)  # noqa: B019 - it lives as long as the stack
    def context(self, host: str) -> ssl.SSLContext:
        """What a server needs to be `host`."""
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])]))
            .issuer_name(self._issuer)
            .public_key(self._leaf_key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + _LEAF_LIFE)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        with tempfile.NamedTemporaryFile(dir=self._folder, suffix=".pem") as file:  # made with mode 600
            file.write(certificate.public_bytes(serialization.Encoding.PEM) + _private_bytes(self._leaf_key))
            file.flush()
            context.load_cert_chain(file.name)
        return context


def _usable(certificate: Path, key: Path) -> bool:
    if not certificate.exists() or not key.exists():
        return False
    known = x509.load_pem_x509_certificate(certificate.read_bytes())
    return known.not_valid_after_utc - _RENEWED_BEFORE > datetime.now(UTC)


def _make(certificate: Path, key_file: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "local_aws on this machine")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _YEARS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                key_cert_sign=True,
                crl_sign=True,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.NameConstraints([x509.DNSName(permitted) for permitted in _NAMES], None), critical=True
        )
        .sign(key, hashes.SHA256())
    )
    _write_private(key_file, _private_bytes(key))
    new = certificate.with_suffix(".new")
    new.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    new.replace(certificate)


def _private_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write_private(path: Path, data: bytes) -> None:
    new = path.with_suffix(".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    new.replace(path)
