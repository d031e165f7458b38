"""A real Cassandra that signs clients in as Amazon Keyspaces does: TLS, and SigV4 for one known key."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from cryptography.x509.oid import NameOID

from local.cassandra import answers, prepare
from local.jars import cassandra_jars, java
from local.ports import Ports, free_port

REGION = "us-east-1"
HOST_NAME = f"cassandra.{REGION}.amazonaws.com"
ACCESS_KEY = "AKIDEXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

_PASSWORD = "only-for-this-test"
_YAML = """
authenticator: SigV4Authenticator
client_encryption_options:
  enabled: true
  optional: true
  keystore: {keystore}
  keystore_password: {password}
  store_type: PKCS12
"""


@dataclass(frozen=True, slots=True)
class KeyspacesDouble:
    """Where it listens, what a client must trust, and what it has seen."""

    port: int
    authority: str
    record: Path

    def trusting(self) -> ssl.SSLContext:
        """A checking client context that trusts the authority of this server alone."""
        return ssl.create_default_context(cadata=self.authority)

    def exchanges(self) -> list[dict[str, Any]]:
        """Every sign-in so far: initial response, nonce, response, accepted."""
        return (
            [json.loads(line) for line in self.record.read_text().splitlines()]
            if self.record.exists()
            else []
        )


@contextmanager
def keyspaces_double(folder: Path) -> Iterator[KeyspacesDouble]:
    """Start it with all its files below ``folder``; killed at the end."""
    keystore, authority = _certificates(folder)
    classes, record, ports = folder / "classes", folder / "record.jsonl", Ports(0, free_port(), free_port())
    _compile(Path(__file__).with_name("SigV4Authenticator.java"), classes)
    command = prepare(folder, ports)
    with (folder / "conf" / "cassandra.yaml").open("a") as yaml:
        yaml.write(_YAML.format(keystore=keystore, password=_PASSWORD))
    properties = {"region": REGION, "access_key": ACCESS_KEY, "secret_key": SECRET_KEY, "record": str(record)}
    at = command.index("-cp")
    command[at + 1] += f":{classes}"
    command[at:at] = [f"-Dsigv4.{name}={value}" for name, value in properties.items()]
    log = folder / "cassandra.log"
    with log.open("wb") as output:
        server = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 60
        while not answers(ports.cassandra):
            assert server.poll() is None, log.read_text()[-3000:]
            assert time.monotonic() < deadline, log.read_text()[-3000:]
            time.sleep(0.1)
        yield KeyspacesDouble(ports.cassandra, authority, record)
    finally:
        os.kill(server.pid, signal.SIGKILL)
        server.wait()


def _compile(source: Path, into: Path) -> None:
    """The compiler is among Cassandra's own jars; the runtime that runs Cassandra has none."""
    jars = cassandra_jars()
    compiler = next(jar for jar in jars if "/ecj-" in jar)
    cassandra = next(jar for jar in jars if "/cassandra-all-" in jar)
    command = [
        java()[0],
        "-jar",
        compiler,
        "-source",
        "17",
        "-target",
        "17",
        "-cp",
        cassandra,
        "-d",
        into,
        source,
    ]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _certificates(folder: Path) -> tuple[Path, str]:
    """A PKCS12 keystore for ``HOST_NAME`` alone, and the PEM of the authority that issued it."""
    authority_key, server_key = (
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP256R1()),
    )
    authority_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
    authority = _certificate(authority_name, authority_name, authority_key, authority_key, authority=True)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST_NAME)])
    server = _certificate(name, authority_name, server_key, authority_key, authority=False)
    keystore = folder / "keystore.p12"
    keystore.write_bytes(
        serialize_key_and_certificates(
            b"server", server_key, server, [authority], BestAvailableEncryption(_PASSWORD.encode())
        )
    )
    return keystore, authority.public_bytes(Encoding.PEM).decode()


def _certificate(
    name: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    authority: bool,
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
    )
    if authority:
        usage = x509.KeyUsage(
            digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
            key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        builder = builder.add_extension(usage, critical=True)
    else:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(HOST_NAME)]), critical=False
        )
    return builder.sign(issuer_key, hashes.SHA256())
