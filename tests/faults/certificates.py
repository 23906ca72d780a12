"""TLS certificates for the servers of the tests: one authority to trust, and servers that it should not help.

Made with `cryptography`, which the locks hold already: `keyring` needs it on Linux.
"""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import tempfile
import warnings
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY = datetime.timedelta(days=1)

#: What may be wrong with a server's certificate, if anything.
KINDS = ("good", "wrong-host", "expired", "not-yet-valid", "self-signed", "old-tls")


class Authority:
    """A certificate authority that lives as long as the tests."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("Photio's test authority")
        self._certificate = self._signed(self._name, self._key.public_key(), is_authority=True)

    @property
    def pem(self) -> bytes:
        """The certificate that a client has to trust."""
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    @cache  # noqa: B019 - there is one authority in a process
    def context(self, kind: str) -> ssl.SSLContext:
        """What a server on this computer needs to speak TLS.

        Args:
            kind: one of `KINDS`.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._signed(
            _name("localhost"),
            key.public_key(),
            hosts=("photio.example",) if kind == "wrong-host" else ("localhost", "127.0.0.1"),
            days={"expired": (-9, -2), "not-yet-valid": (2, 9)}.get(kind, (-1, 1)),
            signer=key if kind == "self-signed" else self._key,
            issuer=_name("localhost") if kind == "self-signed" else self._name,
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if kind == "old-tls":
            context.set_ciphers("ALL:@SECLEVEL=0")
            with warnings.catch_warnings():  # that nobody should do this any more is the point
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version = ssl.TLSVersion.TLSv1
                context.maximum_version = ssl.TLSVersion.TLSv1_1
        _load(context, certificate, key)
        return context

    def _signed(
        self,
        subject: x509.Name,
        public_key: ec.EllipticCurvePublicKey,
        *,
        hosts: tuple[str, ...] = (),
        days: tuple[int, int] = (-1, 1),
        signer: ec.EllipticCurvePrivateKey | None = None,
        issuer: x509.Name | None = None,
        is_authority: bool = False,
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer or self._name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + days[0] * _DAY)
            .not_valid_after(now + days[1] * _DAY)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName(list(map(_host, hosts))), critical=False)
        return builder.sign(signer or self._key, hashes.SHA256())


@cache
def authority() -> Authority:
    """The one of this process."""
    return Authority()


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _host(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _load(context: ssl.SSLContext, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    """`ssl` takes files only."""
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "server.pem"
        path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
        context.load_cert_chain(path)
