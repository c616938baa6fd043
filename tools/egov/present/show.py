"""`egov show`: a kind, an object with the place of every value, or a duty with all that hangs on it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from egov.cases import Case, Event
from egov.cases.life import Closing
from egov.city import City
from egov.city.load import kinds, locations
from egov.city.shape import references
from egov.mandate import Mandate
from egov.present.rows import Report, finding_row, listed
from egov.present.tables import paragraph, table
from egov.present.words import how, title, word

Value = dict[str, Any]


def kind_data(city: City, kind: str) -> list[dict[str, Any]]:
    """Return every object of a kind with its fields and its place, in the order of the files."""
    return [_data(city, kind, item) for item in getattr(city, kind).values()]


def _data(city: City, kind: str, item: Any) -> dict[str, Any]:  # noqa: ANN401 - any described thing
    place = city.places[kind, item.id]
    return {**item.model_dump(mode="json"), "file": place.file, "line": place.line}


def kind_table(city: City, kind: str, lang: str) -> str:
    """Return a kind as a table: id, name, departments, place; without the columns that the kind does not fill."""
    names = (f"name_{lang}", "name_zh", "name", "model", "prefix")
    rows = []
    for item in getattr(city, kind).values():
        place = city.places[kind, item.id]
        name = next(filter(None, (getattr(item, field, None) for field in names)), "")
        users = getattr(item, "departments", None) or (getattr(item, "department", None) or "",)
        rows.append((item.id, name, " ".join(users), f"{place.file}:{place.line}"))
    headings = (*(word("column", name, lang) for name in ("id", "name", "department")), "file:line")
    filled = [n for n in range(len(headings)) if n == 0 or any(row[n] for row in rows)]
    return table([headings[n] for n in filled], [[row[n] for n in filled] for row in rows])


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
    none = word("say", "none", lang)
    text = paragraph(f"{duty_id} {data['document_number']} {duty.clause} {name}", hanging=4) + "\n"
    text += "".join(paragraph(f"「{quote}」", 2) for quote in duty.quotes)
    text += "".join(paragraph(f"{word('column', 'due', lang)}: {d.day} {d.what or ''}", 2) for d in duty.deadlines)
    text += f"\n{word('show', 'checks', lang)}\n"
    for binding in duty.checks:
        given = ", ".join(f"{key}={listed(value)}" for key, value in binding.parameters.items())
        text += paragraph(f"{title(binding.check, lang)} ({binding.check}) {given}", 2)
        text += paragraph(f"{how(binding.check, lang)} ({binding.reason})", 4, 0)
    if not duty.checks:
        text += paragraph(f"{word('report', 'not_checked', lang)}: {duty.not_checked_reason}", 2)
    text += "\n" + paragraph(f"{word('show', 'facts', lang)}: {', '.join(data['facts']) or none}")
    found = [f for f in report.audit.findings if f.duty == duty_id]
    counts = {v: sum(f.verdict == v for f in found) for v in ("violation", "undetermined", "exempt", "pass")}
    summary = " · ".join(f"{word('verdict', v, lang)} {n}" for v, n in counts.items())
    text += "\n" + paragraph(f"{word('report', 'findings', lang)}: {summary}")
    text += "".join(
        paragraph(finding_row(f, report, lang)["text"], 2) for f in found if f.verdict in {"violation", "exempt"}
    )
    text += f"\n{word('column', 'case', lang)}" + ("" if data["cases"] else f": {none}") + "\n"
    return text + "".join(f"  {case['id']} {case['subject']} {case['state']}\n" for case in data["cases"])


def case_text(case: Case, lang: str) -> str:
    """Return a case for a terminal: what it is about, where it stands, every step with its signature's signer."""
    state = case.kind.states[case.state]
    stands = f"{state.name_zh if lang == 'zh' else state.name_en} ({case.since})"
    lines = [f"{case.head.id}: {title(case.head.check, lang)} {case.head.subject} → {stands}\n"]
    rows = []
    for event in case.events:
        step = case.kind.transitions.get(event.transition)
        opened = case.kind.states[case.kind.head.initial]
        name = event.transition if lang != "zh" else step.name_zh if step else opened.name_zh
        rows.append((f"{event.at:%Y-%m-%d}", name, event.by, " · ".join(_said(event, lang))))
    headings = [word("case", column, lang) for column in ("day", "step", "by", "said")]
    return "\n".join([*lines, table(headings, rows)])


def flow_change(case: Case, city: City, changes: Sequence[Closing], until: date) -> str:
    """Return the change of flows that closes a system off, as YAML to be put in place of what is described."""
    lines = [f"# {case.head.id}: close {case.head.subject} off up to {until}; what is held opens again the day after."]
    for change in changes:
        place = city.places.get(("flows", change.flow.id))
        where = f"{place.file}:{place.line}" if place else "flows"
        lines.append(f"# in place of {change.flow.id} ({where})")
        for flow in filter(None, (change.kept, change.held)):
            data = flow.model_dump(mode="json", exclude_defaults=True)
            lines.append("  - " + json.dumps(data, ensure_ascii=False))
    if not changes:
        lines.append("# no flow names its hosts: nothing reaches it through a firewall of this description")
    return "\n".join(lines) + "\n"


def _said(event: Event, lang: str) -> Iterator[str]:
    """Yield what a step of a case brought: documents, note, finding, the terms of its decision, a signature."""
    yield from event.documents
    if event.note:
        yield event.note
    if event.finding:
        yield word("verdict", event.finding, lang)
    if decided := event.decision:
        if decided.upper is not None:
            yield f"{word('case', 'upper', lang)} {decided.upper:.10g}"
        yield f"{word('case', 'until', lang)} {decided.expires_on}"
        yield decided.ground
    if event.signature:
        yield word("case", "signed", lang)


def everything(city: City, law: Mandate) -> list[str]:
    """Return every word that `egov show` understands."""
    return [*kinds(), *law.duties, *(name for kind in kinds() for name in getattr(city, kind))]
