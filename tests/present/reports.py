"""Reports in memory: of a small built city, with what a report rests on made up."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from build import AS_OF, Build, binding, duty, law

from egov.mandate import Decision, Document
from egov.present.provenance import Provenance
from egov.present.rows import Report

REASON = "the text's own number"


def provenance(as_of: date = AS_OF, **fields: Any) -> Provenance:  # noqa: ANN401 - fields of provenance
    """Return what a report rests on: a commit, seal 3, one run, no checks but those given."""
    run = {"run": "20181101T000000Z-survey", "collected": "2018-11-01T00:00:00+00:00", "rows": 2, "root": "ab" * 32}
    known = Provenance("test", as_of, "0123456789ab", False, 3, "e" * 16, "p" * 16, "egov 0", (), (run,))  # noqa: FBT003
    return replace(known, **fields)


def report_of(build: Build, check: str, *decisions: Decision, **parameters: Any) -> Report:  # noqa: ANN401 - as build
    """Return the report of a built city by one check."""
    mandate = law(duty("R20", binding(check, **parameters), *build.beside))
    document = Document(
        id="doc", number="葫政办发〔2017〕211号", title="方案", issuer="市政府", issued_on=date(2017, 12, 1)
    )
    mandate = replace(mandate, documents={"doc": document})
    bound = {"duty": "R20", "check": check, "parameters": parameters, "reason": REASON}
    return Report(build.judged(mandate, *decisions), build.city(), mandate, provenance(checks=(bound,)))
