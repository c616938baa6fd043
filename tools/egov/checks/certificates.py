"""R51 交换平台安全防护, 六(五): certificates of services do not run out (GB/T 22239-2019 8.1.2.2 通信传输)."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

from pydantic import Field

from egov.checks.registry import Judgement, check, judge
from egov.city import Host
from egov.city.fields import Part
from egov.facts import Certificate, Facts


class ExpiryParameters(Part):
    """Least time that a certificate must still be valid, days."""

    min_days: int = Field(ge=0)


def shows_certificates(host: Host, facts: Facts) -> bool:
    """Say whether certificates were ever found on the host."""
    return bool(facts.rows(Certificate, host))


@check("certificate-expiry", of=Host, when=shows_certificates, outcomes=("valid", "expiring"))
def certificate_expiry(host: Host, facts: Facts, p: ExpiryParameters) -> Judgement:
    """Every certificate on the host is valid for a while yet; one that ran out, or will, stops a service at night."""
    rows = sorted(facts.snapshot(Certificate, host), key=lambda row: row.valid_until)
    if not rows:
        return judge(True, "none")
    start = datetime.combine(facts.as_of, time(), UTC)
    left = [(row, (row.valid_until - start).days) for row in rows]
    short = [(row, days) for row, days in left if days < p.min_days]
    shown: dict[str, Any] = {
        "certificates": len(rows),
        "files": [f"{row.path} ({row.valid_until:%Y-%m-%d})" for row, _ in short],
        "days": left[0][1],
        "min_days": p.min_days,
    }
    return judge(not short, "expired" if short and short[0][1] < 0 else None, cites=rows, **shown)
