"""Runs checks: order, scope, parameters as of the day, undetermined, exemption, owner, due date. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from pydantic import ValidationError

from egov.checks.finding import Finding, Subject
from egov.checks.registry import Check, Judgement, checks
from egov.city.codes import Code
from egov.city.load import kinds, unknown
from egov.city.model import City
from egov.errors import DescriptionError, Problem
from egov.facts import Facts, NotObserved
from egov.facts.view import kind_of
from egov.mandate import Decision, Duty, Mandate


@dataclass(frozen=True, slots=True)
class Audit:
    """The findings of one audit, in order, and the duties that no check serves (with the reason)."""

    findings: tuple[Finding, ...]
    not_checked: Mapping[str, str]


def audit(
    facts: Facts,
    mandate: Mandate,
    decisions: Sequence[Decision] = (),
    only: Collection[str] = (),
    open_cases: Mapping[tuple[str, str, str], str] | None = None,
) -> Audit:
    """Judge the city by every check its mandate binds, as of `facts.as_of`.

    only: names of checks, duties or subjects to limit it to (UsageError if one is nothing of these).
    open_cases: (check, subject kind, subject) → id of the open rectification, shown with its finding.
    Raises DescriptionError if the mandate names an unknown check or a wrong parameter.
    """
    bound = bindings(mandate, facts.as_of)
    ask = _Asker(bound, facts)
    _refuse_unknown(only, facts.city, mandate)
    findings = []
    for duty, check, _ in bound:
        named = not only or duty.id in only or check.name in only
        for finding in _judged(duty, check, ask, facts, set(only) if not named else None):
            exempt = _exempted(finding, check, decisions, facts)
            question = (check.name, finding.subject.kind, finding.subject.id)
            findings.append(replace(exempt, case=exempt.case or (open_cases or {}).get(question)))
    findings.sort(key=lambda f: (f.duty, f.check, f.subject.kind, f.subject.id))
    checked = {duty.id for duty, _, _ in bound}
    not_checked = {d.id: d.not_checked_reason or "" for d in mandate.duties.values() if d.id not in checked}
    return Audit(tuple(findings), not_checked)


def bindings(mandate: Mandate, as_of: date) -> list[tuple[Duty, Check, Any]]:
    """Return (duty, check, validated parameters) for every check that is bound on the as-of day."""
    known = checks()
    bound: list[tuple[Duty, Check, Any]] = []
    problems: list[Problem] = []
    for duty, index, binding in mandate.bindings(as_of):
        name = binding.check
        if name not in known:
            message = str(unknown("check", name, known))
            problems.append(mandate.problem(duty.id, ("checks", index, "check"), Code.E401, message, "没有这项检查"))
            continue
        try:
            bound.append((duty, known[name], known[name].parameters.model_validate(dict(binding.parameters))))
        except ValidationError as error:
            for detail in error.errors():
                field = ".".join(map(str, detail["loc"]))
                message = f"{name}: {field}: {detail['msg'][:1].lower()}{detail['msg'][1:]}"
                loc = ("checks", index, "parameters", *detail["loc"])
                problems.append(mandate.problem(duty.id, loc, Code.E402, message, "检查参数有误"))
    if problems:
        raise DescriptionError(problems)
    return bound


def subjects(check: Check, city: City) -> list[Any]:
    """Return what a check judges in a city, sorted by id."""
    if check.of is City:
        return [city]
    kind = next(kind for kind, model in kinds().items() if model is check.of)
    return sorted(getattr(city, kind).values(), key=lambda item: item.id)


def subject_of(item: Any) -> Subject:  # noqa: ANN401 - any described thing
    """Return kind, id and answering department of a described thing."""
    if isinstance(item, City):
        return Subject("city", item.profile.id, None)
    kind = kind_of(item)
    if kind == "departments":
        return Subject(kind, item.id, item.id)
    shared = getattr(item, "departments", None)
    return Subject(kind, item.id, shared[0] if shared else getattr(item, "department", None))


class _Asker:
    """Asks a check about a subject, once: what weighs other checks gets the judgement each has of its own."""

    def __init__(self, bound: Sequence[tuple[Duty, Check, Any]], facts: Facts) -> None:
        self._parameters = {(duty.id, check.name): (check, parameters) for duty, check, parameters in bound}
        self._facts = facts
        self._answers: dict[tuple[str, str, str], Judgement] = {}

    def __call__(self, duty: str, name: str, item: Any) -> Judgement:  # noqa: ANN401 - any described thing
        key = (duty, name, subject_of(item).id)
        if key not in self._answers:
            self._answers[key] = self._asked(duty, name, item)
        return self._answers[key]

    def _asked(self, duty: str, name: str, item: Any) -> Judgement:  # noqa: ANN401
        if (duty, name) not in self._parameters:
            return Judgement(None, missing=(f"check.{name}",))
        check, parameters = self._parameters[duty, name]
        weighed = ({other: self(duty, other, item) for other in check.weighs},) if check.weighs else ()
        try:
            return check.function(item, self._facts, parameters, *weighed)
        except NotObserved as absent:
            return Judgement(None, missing=absent.missing)


def _judged(duty: Duty, check: Check, ask: _Asker, facts: Facts, only: set[str] | None) -> Iterator[Finding]:
    for item in subjects(check, facts.city):
        if only is not None and subject_of(item).id not in only:
            continue
        if check.when(item, facts):
            yield _finding(duty, check, item, ask(duty.id, check.name, item))


def _finding(duty: Duty, check: Check, item: Any, judgement: Judgement) -> Finding:  # noqa: ANN401
    finding = Finding(
        duty=duty.id,
        check=check.name,
        subject=subject_of(item),
        verdict="undetermined",
        outcome="undetermined",
        facts=judgement.facts,
        cites=judgement.cites,
        missing=judgement.missing,
        due=duty.due,
    )
    if judgement.ok is None:
        return finding
    outcome = judgement.outcome or (check.passed if judgement.ok else check.violated)
    return replace(finding, verdict="pass" if judgement.ok else "violation", outcome=outcome)


def _exempted(finding: Finding, check: Check, decisions: Sequence[Decision], facts: Facts) -> Finding:
    """Return the finding as exempt if a valid decision covers it: same check and subject, in time, within its bound."""
    if finding.verdict != "violation":
        return finding
    for decision in decisions:
        if not decision.covers(finding.check, finding.subject.kind, finding.subject.id, facts.as_of):
            continue
        if check.bound is not None:
            value = finding.facts.get(check.bound)
            if decision.upper is None or value is None or value > decision.upper:
                continue
        return replace(
            finding,
            verdict="exempt",
            case=decision.case,
            facts={**finding.facts, "decision": decision.document, "expires_on": decision.expires_on},
        )
    return finding


def _refuse_unknown(only: Collection[str], city: City, mandate: Mandate) -> None:
    names = {*mandate.duties, *checks(), city.profile.id}
    for kind in kinds():
        names.update(getattr(city, kind))
    for name in only:
        if name not in names:
            what = "check, duty or subject"
            raise unknown(what, name, names)
