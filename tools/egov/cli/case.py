"""`egov case`: open, advance and show what takes days and signatures."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from egov.cli.common import DAY, Common, common, now_in
from egov.errors import GuardError, UsageError

if TYPE_CHECKING:
    from egov.cases import Case
    from egov.cases.life import Caller, Watched
    from egov.facts import Facts

# A step rests on what was seen up to a day before it: who looks once a day can take it.
_LAST_LOOK = timedelta(days=1)


@click.group("case")
def command() -> None:
    """Cases: exemptions, rectifications, retirements. A case is a file of signed events that only ever grows."""


@command.command("list")
@common
def list_(options: Common) -> int:
    """List all cases with their state and the last day they may stay in it, by legal working days.

    Exit 3 if that day falls into a year whose working days nobody has announced yet.
    """
    from egov.mandate import WorkingCalendar, YearNotCovered
    from egov.present.tables import as_json, table
    from egov.present.words import word

    calendar = WorkingCalendar.of_city(options.city_dir())
    lines = []
    unknown_years: dict[str, None] = {}
    for case in options.load_cases().values():
        state = case.kind.states[case.state]
        try:
            due = str(case.due(calendar.add_working_days) or "")
        except YearNotCovered as error:
            unknown_years[str(error)] = None
            due = word("verdict", "undetermined", options.lang)
        name = state.name_zh if options.lang == "zh" else state.name_en
        lines.append((case.head.id, name, due, case.head.check, case.head.subject))
    columns = ("id", "state", "due", "check", "subject")
    if options.as_json():
        options.write(as_json([dict(zip(columns, line, strict=True)) for line in lines]))
    else:
        options.write(table([word("case", column, options.lang) for column in columns], lines))
    for reason in unknown_years:
        click.echo(f"egov: {reason}", err=True)
    return 3 if unknown_years else 0


@command.command()
@click.argument("case_id", metavar="CASE")
@common
def show(options: Common, case_id: str) -> int:
    """Show a case: what it is about and every step taken."""
    from egov.city.load import unknown
    from egov.present.show import case_text
    from egov.present.tables import as_json

    cases = options.load_cases()
    if case_id not in cases:
        what = "case"
        raise unknown(what, case_id, cases)
    case = cases[case_id]
    if options.as_json():
        events = [event.model_dump(mode="json", exclude_none=True) for event in case.events]
        options.write(as_json({"case": case.head.model_dump(), "state": case.state, "events": events}))
        return 0
    options.write(case_text(case, options.lang))
    return 0


@command.command("open")
@click.argument("kind")
@click.argument("check")
@click.argument("subject")
@click.option("--id", "case_id", help="Id of the case [KIND-SUBJECT-YEAR].")
@click.option("--by", required=True, help="Who opens it.")
@click.option("--note", help="A sentence for the file.")
@click.option("--document", "documents", multiple=True, help="Number of a document; may be given again.")
@common
def open_(options: Common, kind: str, check: str, subject: str, case_id: str | None, **given: Any) -> int:  # noqa: ANN401 - click passes strings
    """Open a case of KIND (exemption, rectification, retirement) about CHECK of SUBJECT."""
    from egov.cases import open_case
    from egov.checks import checks
    from egov.checks.runner import subject_of, subjects
    from egov.city.load import unknown

    city = options.load_city()
    if check not in checks():
        what = "check"
        raise unknown(what, check, checks())
    known = {subject_of(item).id: subject_of(item) for item in subjects(checks()[check], city)}
    if subject not in known:
        what = f"subject of {check}"
        raise unknown(what, subject, known)
    now = now_in(city).isoformat(timespec="seconds")
    found = known[subject]
    about = {"check": check, "subject_kind": found.kind, "subject": found.id, "department": found.department}
    head = {"id": case_id or f"{kind}-{subject}-{now[:4]}", "kind": kind, **about}
    options.write(f"{open_case(options.city_dir(), head, {'at': now, **_given(given)})}\n")
    return 0


@command.command()
@click.argument("case_id", metavar="CASE")
@click.argument("transition")
@click.option("--by", required=True, help="Who takes the step (a signer's id where it is signed).")
@click.option("--note", help="A sentence for the file.")
@click.option("--document", "documents", multiple=True, help="Number of a document; may be given again.")
@click.option("--key", type=click.Path(path_type=Path), help="Private SSH key to sign with.")
@click.option("--decision", help="Number of the decision (文号) that grants an exemption.")
@click.option("--upper", type=float, help="Largest value the decision allows, in the check's own unit.")
@click.option("--ground", help="Why it is granted (理由).")
@click.option("--expires", type=DAY, help="Last day the decision holds.")
@common
def step(
    options: Common,
    case_id: str,
    transition: str,
    *,
    key: Path | None,
    decision: str | None,
    upper: float | None,
    ground: str | None,
    expires: date | None,
    **given: Any,  # noqa: ANN401 - click passes strings
) -> int:
    """Take one step of CASE. What it requires (role, documents, finding, signature) is checked before it counts."""
    from egov.cases import advance
    from egov.city.load import unknown

    cases = options.load_cases()
    if case_id not in cases:
        what = "case"
        raise unknown(what, case_id, cases)
    case = cases[case_id]
    event = {"at": now_in(options.load_city()).isoformat(timespec="seconds"), "transition": transition, **_given(given)}
    if decision is not None:
        if ground is None or expires is None:
            message = "a decision needs its --ground and the last day it holds (--expires)"
            raise UsageError(message)
        scope = {"check": case.head.check, "subject_kind": case.head.subject_kind, "subject": case.head.subject}
        terms = {"document": decision, "upper": upper, "ground": ground, "expires_on": expires}
        event["decision"] = {**scope, **terms}
    known = case.kind.transitions.get(transition)
    if known is not None and known.finding:
        event |= _finding(options, case.head.check, case.head.subject)
    if known is not None and known.quiet:
        event |= _refuse_unless_quiet(options, case, known.quiet)
    after = advance(options.city_dir(), case_id, event, key)
    options.write(f"{case_id}: {after.state}\n")
    return 0


@command.command()
@click.argument("names", metavar="[CASE]...", nargs=-1)
@click.option("--release", is_flag=True, help="Release every retirement whose system somebody called.")
@click.option("--by", help="Who takes the step, with --release.")
@common
def watch(options: Common, names: tuple[str, ...], by: str | None, *, release: bool) -> int:
    """Look for signs of life of systems being retired: who called since they were closed off.

    It also says on how many working days a call would have been seen. Exit 1 if somebody called.
    With --release the case is released, and its file says who called.
    """
    from egov.cases import advance
    from egov.cases.fold import closed_since

    if release and by is None:
        message = "--release needs --by: who takes the step"
        raise UsageError(message)
    cases, facts, alive = options.load_cases(), _facts(options), 0
    for case in cases.values():
        if case.head.kind != "retirement" or case.final or (names and case.head.id not in names):
            continue
        found, seen = _watched(case, facts)
        alive += bool(found)
        who = ", ".join(map(str, found[:20])) or "-"
        by = ", ".join(seen.front) or seen.by
        days = f"{_working_days(options, seen)} working days watched by {by}; last by {seen.by}, {_moment(seen.until)}"
        options.write(f"{case.head.id} {case.head.subject} {closed_since(case.events)}: {who}; {days}\n")
        if found and release:
            now = now_in(facts.city).isoformat(timespec="seconds")
            event = {"at": now, "transition": "release", "by": by, "note": f"called by {who}"}
            options.write(f"{case.head.id}: {advance(options.city_dir(), case.head.id, event, None).state}\n")
    return 1 if alive else 0


@command.command()
@click.argument("case_id", metavar="CASE")
@click.option("--until", type=DAY, required=True, help="Last day on which the system stays closed off.")
@common
def quarantine(options: Common, case_id: str, until: date) -> int:
    """Print the change of flows that closes the system of a retirement off: reviewed, and rendered like any other.

    Exit 3 if a flow reaches the system in a way that the change does not close, or calls through it would be dropped
    and not remembered; it is named on stderr.
    """
    from egov.cases.life import closing
    from egov.city.load import unknown
    from egov.present.show import flow_change

    city, cases = options.load_city(), options.load_cases()
    if case_id not in cases or cases[case_id].head.kind != "retirement":
        what = "retirement"
        raise unknown(what, case_id, [name for name, case in cases.items() if case.head.kind == "retirement"])
    case = cases[case_id]
    changes, left = closing(city, city.systems[case.head.subject], until)
    options.write(flow_change(case, city, changes, until))
    for reason in left:
        click.echo(f"egov: {reason}", err=True)
    return 3 if left else 0


def _facts(options: Common) -> Facts:
    from egov.facts import Facts

    city = options.load_city()
    return Facts.of_store(city, options.day(city), options.evidence_dir())


def _refuse_unless_quiet(options: Common, case: Case, needed: int) -> dict[str, Any]:
    """Return since when nobody called the system, and on how many working days that is known.

    GuardError says who called, or what nobody has looked at.
    """
    from egov.cases.fold import closed_since

    facts, since, system = _facts(options), closed_since(case.events), case.head.subject
    found, seen = _watched(case, facts)
    if found:
        who = ", ".join(map(str, found[:5]))
        message = f"{system} was called after {since} by {who}: release it, or find out why"
        raise GuardError(message)
    days = _working_days(options, seen)
    look = f"egov collect hosts {' '.join(seen.front)}" if seen.front else "take its access logs in"
    if days < needed:
        message = (
            f"{system}: since {since} a call would have been seen on {days} working days of the {needed} needed; "
            f"during quarantine, every day: {look}"
        )
        raise GuardError(message)
    if seen.until is None or now_in(facts.city) - seen.until > _LAST_LOOK:
        message = f"{system}: calls after {_moment(seen.until)} would not have been seen ({seen.by}); now: {look}"
        raise GuardError(message)
    return {"quiet_since": since.isoformat(), "quiet_days": days}


def _watched(case: Case, facts: Facts) -> tuple[list[Caller], Watched]:
    """Return who called a system that is being retired, and when a call would have been seen."""
    from egov.cases.fold import closed_since
    from egov.cases.life import callers, in_front, watched
    from egov.checks.windows import Window, use

    system, since = facts.city.systems[case.head.subject], closed_since(case.events)
    front = in_front(facts.city, system, facts.as_of)
    logged = use(system, facts, Window(since, facts.as_of), max_unread_share=0).known
    return callers(case, facts, front), watched(case, facts, front, logged)


def _working_days(options: Common, seen: Watched) -> int:
    from egov.mandate import WorkingCalendar

    return sum(map(WorkingCalendar.of_city(options.city_dir()).is_working_day, seen.days))


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else "-"


def _given(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value not in (None, ())}


def _finding(options: Common, check: str, subject: str) -> dict[str, str]:
    """Return what the audit says now of the case's question, and the evidence it rests on."""
    report = options.report((subject,), description_of_today=False)
    for finding in report.audit.findings:
        if (finding.check, finding.subject.id) == (check, subject):
            return {"finding": finding.verdict, "evidence": report.provenance.evidence}
    message = f"the audit says nothing of {check} for {subject}"
    raise UsageError(message)
