"""Certificates made on the spot: an authority, servers' and clients' certificates, and those that must be refused."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from clickstream.stack.layout import HOST


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate's files. `both` holds the key and the certificate, as Kafka wants them."""

    cert: Path
    key: Path
    both: Path


class Authority:
    """A certificate authority that keeps what it issues in a folder."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        built = (
            self._builder(self._name, self._key, days=1)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
        )
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(built.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, *, host: str | None = None, days: int = 1) -> Pair:
        """A certificate, for the server `host` (an address or a name) or for a client; expired where `days` < 0."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        purpose = ExtendedKeyUsageOID.SERVER_AUTH if host else ExtendedKeyUsageOID.CLIENT_AUTH
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        built = (
            self._builder(subject, key, days=days)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(issuer, critical=False)
        )
        if host:
            built = built.add_extension(x509.SubjectAlternativeName([_general_name(host)]), critical=False)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        public = built.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        pair = Pair(*(self._folder / f"{name}.{kind}.pem" for kind in ("cert", "key", "both")))
        for path, content in ((pair.cert, public), (pair.key, private), (pair.both, private + public)):
            path.write_bytes(content)
        return pair

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, days: int) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=10))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


@dataclass(frozen=True, slots=True)
class Certificates:
    """What the tests' servers and clients show one another."""

    ca: Path
    server: Pair
    expired: Pair
    elsewhere: Pair
    """A server's, whose name is not that of this machine."""
    client: Pair
    other_ca: Path
    """Which issued none of the above."""
    stranger: Pair
    """A client's, by the other authority."""
    garbage: Path
    """Nothing of the kind."""


def certificates(folder: Path) -> Certificates:
    """Make them all."""
    ours, theirs = Authority(folder / "ours", "ca"), Authority(folder / "theirs", "other-ca")
    garbage = folder / "garbage.pem"
    garbage.write_text("no certificate\n")
    return Certificates(
        ca=ours.file,
        server=ours.issue("server", host=HOST),
        expired=ours.issue("expired", host=HOST, days=-1),
        elsewhere=ours.issue("elsewhere", host="kafka.example.com"),
        client=ours.issue("client"),
        other_ca=theirs.file,
        stranger=theirs.issue("stranger"),
        garbage=garbage,
    )
