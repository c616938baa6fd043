"""What `openssl x509` printed of each certificate → rows. Format: openssl-x509(1), names as in RFC 2253. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

from egov.collect.parse import Found, Row, Unreadable, UnreadLine

_FIELDS = {"notBefore": "valid_from", "notAfter": "valid_until", "subject": "subject", "issuer": "issuer"}


def certificates(text: str) -> Found:
    """Return a row per file; the lines of a certificate stand before its `file=` line."""
    rows: list[Row] = []
    unread: list[UnreadLine] = []
    said: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), 1):
        name, equals, value = line.partition("=")
        if not equals:
            if line.strip():
                unread.append((number, line, "not what openssl x509 prints"))
            continue
        if name != "file":
            said[name] = value.strip()
            continue
        try:
            rows.append(_certificate(value, said))
        except (KeyError, ValueError) as error:
            unread.append((number, line, f"a certificate that cannot be read: {error}"))
        said = {}
    return rows, unread


def _certificate(path: str, said: dict[str, str]) -> Row:
    prints = [value for name, value in said.items() if name.casefold() == "sha256 fingerprint"]
    if len(prints) != 1:
        message = "no SHA-256 fingerprint"
        raise Unreadable(message)
    fields = {field: said[name] for name, field in _FIELDS.items()}
    times = {field: _moment(fields[field]) for field in ("valid_from", "valid_until")}
    return {**fields, **times, "path": path, "fingerprint": prints[0].replace(":", "").lower()}


def _moment(text: str) -> datetime:
    """Return the time of `Nov 27 13:52:33 2026 GMT`; ValueError for any other form."""
    return datetime.strptime(" ".join(text.split()), "%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC)
