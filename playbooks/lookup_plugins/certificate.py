"""Ansible lookup: a host's key and certificate from the city's own authority, made once and kept outside git.

`lookup('certificate', 'dc-db1', names=['10.0.0.1'], store='…/secrets/city', days=397, renew_days=60)` returns
`{key, certificate, authority}` as PEM. As the built-in `password` lookup it writes on the controller, in --check too:
so that --check can tell which hosts would get something new. It renews what ends within *renew_days* or lacks a name.
"""

from __future__ import annotations

import fcntl
import os
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_DAYS = 3650


class LookupModule(LookupBase):
    """The lookup."""

    def run(self, terms, variables=None, **options):  # noqa: ARG002 - Ansible passes variables
        """Return one dictionary per name."""
        names, days, renew = options["names"], int(options["days"]), timedelta(days=int(options["renew_days"]))
        store = Path(options["store"])
        try:
            store.mkdir(parents=True, exist_ok=True, mode=0o700)
            with (store / ".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                return [_pair(store, str(term), [str(name) for name in names], days, renew) for term in terms]
        except (OSError, ValueError) as error:
            message = f"certificates in {store}: {error}"
            raise AnsibleError(message) from error


def _pair(store, name, names, days, renew):
    authority = _made(store / "authority", lambda: _authority(store.name))
    wanted = sorted({name, *names})
    folder = store / name
    if folder.exists() and not _good(folder, authority[1], wanted, renew):
        wanted = sorted({*wanted, *_names(folder)})  # several services of a host may ask, each for its own
        (folder / "certificate.pem").unlink(missing_ok=True)
    key, certificate = _made(folder, lambda: _issued(authority, name, wanted, days))
    return {"key": _pem(key), "certificate": _text(certificate), "authority": _text(authority[1])}


def _made(folder, make):
    """Return key and certificate of a folder, made first if one is missing; the certificate is written last."""
    key_file, certificate_file = folder / "key.pem", folder / "certificate.pem"
    if not certificate_file.exists():
        folder.mkdir(exist_ok=True, mode=0o700)
        key, certificate = make()
        _write(key_file, _pem(key))
        _write(certificate_file, _text(certificate))
    key = serialization.load_pem_private_key(key_file.read_bytes(), None)
    return key, x509.load_pem_x509_certificate(certificate_file.read_bytes())


def _good(folder, authority, wanted, renew):
    """Say whether the certificate there is the authority's, has rest of life enough, and the names wanted."""
    try:
        found = x509.load_pem_x509_certificate((folder / "certificate.pem").read_bytes())
        found.verify_directly_issued_by(authority)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, it is made anew
        return False
    return {*wanted} <= _names(folder) and found.not_valid_after_utc - datetime.now(UTC) > renew


def _names(folder):
    try:
        found = x509.load_pem_x509_certificate((folder / "certificate.pem").read_bytes())
        return {str(n.value) for n in found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value}
    except Exception:  # noqa: BLE001 - a certificate that cannot be read has no names
        return set()


def _authority(city):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{city} internal authority")])
    signing = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    builder = _builder(name, name, key, AUTHORITY_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    return key, builder.add_extension(signing, critical=True).sign(key, hashes.SHA256())


def _issued(authority, name, wanted, days):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    uses = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    builder = _builder(subject, authority[1].subject, key, days)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(x509.SubjectAlternativeName([*_general(wanted)]), critical=False)
    builder = builder.add_extension(x509.ExtendedKeyUsage(uses), critical=False)
    return key, builder.sign(authority[0], hashes.SHA256())


def _builder(subject, issuer, key, days):
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(now - timedelta(minutes=5)).not_valid_after(now + timedelta(days=days))


def _general(names):
    """Yield every name, and addresses twice: pgBackRest 2.45 compares an address with the DNS names only."""
    for name in names:
        yield x509.DNSName(name)
        try:
            yield x509.IPAddress(ip_address(name))
        except ValueError:
            continue


def _write(path, text):
    """Write a file that only its owner reads, whole or not at all."""
    trial = path.with_suffix(".new")
    trial.unlink(missing_ok=True)
    with os.fdopen(os.open(trial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    trial.rename(path)


def _pem(key):
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode()


def _text(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
