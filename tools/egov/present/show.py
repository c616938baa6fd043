"""`egov show`: a kind, an object with the place of every value, or a duty with all that hangs on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from egov.cases import Case
from egov.city import City
from egov.city.load import kinds, locations
from egov.city.shape import references
from egov.mandate import Mandate
from egov.present.rows import Report, finding_row
from egov.present.tables import table
from egov.present.words import title, word

Value = dict[str, Any]


def kind_data(city: City, kind: str) -> list[dict[str, Any]]:
    """Return every object of a kind with its fields and its place, in the order of the files."""
    return [_data(city, kind, item) for item in getattr(city, kind).values()]


def _data(city: City, kind: str, item: Any) -> dict[str, Any]:  # noqa: ANN401 - any described thing
    place = city.places[kind, item.id]
    return {**item.model_dump(mode="json"), "file": place.file, "line": place.line}


def kind_table(city: City, kind: str, lang: str) -> str:
    """Return a kind as a table: id, name, department, place."""
    rows = []
    for item in getattr(city, kind).values():
        place = city.places[kind, item.id]
        name = getattr(item, f"name_{lang}", None) or getattr(item, "name_zh", None) or getattr(item, "model", None)
        rows.append((item.id, name, getattr(item, "department", None), f"{place.file}:{place.line}"))
    headings = [word("column", name, lang) for name in ("id", "name", "department")]
    return table((*headings, "file:line"), rows)


def object_data(folder: Path, city: City, kind: str, item_id: str) -> dict[str, Any]:
    """Return one object: its place, every value with its place, and what refers to it."""
    item = getattr(city, kind)[item_id]
    place = city.places[kind, item_id]
    plain = item.model_dump(mode="json", by_alias=True)
    values = [
        {"field": ".".join(map(str, loc)), "value": _at(plain, loc), "file": place.file, "line": line, "col": col}
        for loc, line, col in locations(folder, kind, place)
    ]
    users = [{"kind": k, "id": i, "field": field} for k, i, field in _users(city, kind, item_id)]
    return {"kind": kind, "id": item_id, "file": place.file, "line": place.line, "values": values, "used_by": users}


def _at(data: Any, loc: tuple[str | int, ...]) -> Any:  # noqa: ANN401 - plain data
    for key in loc:
        data = data[key]
    return data


def _users(city: City, kind: str, item_id: str) -> Iterator[tuple[str, str, str]]:
    for other_kind in kinds():
        for other in getattr(city, other_kind).values():
            for loc, target, value in references(other):
                if (target, value) == (kind, item_id):
                    yield other_kind, other.id, ".".join(str(part) for part in loc if isinstance(part, str))


def object_text(data: Mapping[str, Any], lang: str) -> str:
    """Return one object for a terminal."""
    rows = [(v["field"], v["value"], f"{v['file']}:{v['line']}:{v['col']}") for v in data["values"]]
    text = f"{word('kind', data['kind'], lang)} {data['id']}  {data['file']}:{data['line']}\n\n"
    text += table((word("column", "item", lang), word("column", "value", lang), "file:line:col"), rows)
    if data["used_by"]:
        users = [(u["kind"], u["id"], u["field"]) for u in data["used_by"]]
        text += "\n" + table((word("show", "used_by", lang), word("column", "id", lang), ""), users)
    return text


def duty_data(report: Report, duty_id: str, cases: Mapping[str, Case]) -> dict[str, Any]:
    """Return a duty: its words, its checks with parameters, its findings, the cases about them."""
    duty = report.mandate.duties[duty_id]
    findings = [f for f in report.audit.findings if f.duty == duty_id]
    names = {f.check for f in findings} | {binding.check for binding in duty.checks}
    return {
        **duty.model_dump(mode="json"),
        "document_number": report.mandate.documents[duty.document].number,
        "findings": [finding.as_dict() for finding in findings],
        "facts": sorted({type(fact).__name__ for finding in findings for fact in finding.cites}),
        "cases": [
            {"id": case.head.id, "kind": case.head.kind, "subject": case.head.subject, "state": case.state}
            for case in cases.values()
            if case.head.check in names
        ],
    }


def duty_text(report: Report, duty_id: str, cases: Mapping[str, Case], lang: str) -> str:
    """Return a duty on one screen: quotation → checks → facts → findings → cases."""
    data = duty_data(report, duty_id, cases)
    duty = report.mandate.duties[duty_id]
    name = duty.title_zh if lang == "zh" else duty.summary_en
    lines = [f"{duty_id} {data['document_number']} {duty.clause} {name}", ""]
    lines += [f"  「{quote}」" for quote in duty.quotes]
    lines += [f"  {word('column', 'due', lang)}: {d.day} {d.what or ''}".rstrip() for d in duty.deadlines]
    lines += ["", word("show", "checks", lang)]
    for binding in duty.checks:
        given = ", ".join(f"{key}={value}" for key, value in binding.parameters.items())
        lines.append(f"  {title(binding.check, lang)} ({binding.check}) {given}".rstrip())
        lines.append(f"    {binding.reason}")
    if not duty.checks:
        lines.append(f"  {word('report', 'not_checked', lang)}: {duty.not_checked_reason}")
    lines += ["", f"{word('show', 'facts', lang)}: {', '.join(data['facts']) or word('say', 'none', lang)}"]
    found = [f for f in report.audit.findings if f.duty == duty_id]
    counts = {v: sum(f.verdict == v for f in found) for v in ("violation", "undetermined", "exempt", "pass")}
    summary = " · ".join(f"{word('verdict', v, lang)} {n}" for v, n in counts.items())
    lines += ["", f"{word('report', 'findings', lang)}: {summary}"]
    lines += [f"  {finding_row(f, report, lang)['text']}" for f in found if f.verdict in {"violation", "exempt"}]
    lines += ["", word("column", "case", lang)]
    lines += [f"  {case['id']} {case['subject']} {case['state']}" for case in data["cases"]]
    return "\n".join(lines) + "\n"


def everything(city: City, law: Mandate) -> list[str]:
    """Return every word that `egov show` understands."""
    return [*kinds(), *law.duties, *(name for kind in kinds() for name in getattr(city, kind))]
