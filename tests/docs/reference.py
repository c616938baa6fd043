"""The parts of pages that are made from the code: `python tests/docs/reference.py` writes them, a test compares them.

A page marks such a part: everything between `<!-- made: NAME -->` and `<!-- /made -->` is replaced.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import click
import yaml
from models import OF_EVERY_OBJECT, described, entry, first, paragraph
from pages import PAGES, ROOT
from pydantic import BaseModel

from egov.cases import case_kinds
from egov.checks import checks
from egov.city.fields import Item
from egov.city.load import kinds
from egov.city.model import Profile
from egov.cli import cli
from egov.collect import mapping
from egov.facts import signing
from egov.facts.tables import Fact, columns, tables
from egov.mandate import Duty, Mandate, mandate
from egov.present.words import title

COMMAND = "python tests/docs/reference.py"
MADE = re.compile(r"(<!-- made: (\w+) -->\n).*?(<!-- /made -->)", re.DOTALL)
_MOMENT = frozenset({"observed_at", "collected_at"})
_TYPES = {"VARCHAR": "text", "BIGINT": "whole number", "DOUBLE": "number", "BOOLEAN": "`true` or `false`"}
_TYPES |= {"TIMESTAMP": "time", "DATE": "day"}


def filled(page: str) -> str:
    """Return a page's text with every made part as the code has it now."""
    return MADE.sub(lambda found: f"{found[1]}\n{_squeezed(PARTS[found[2]]())}\n\n{found[3]}", page)


def _squeezed(made: str) -> str:
    return re.sub(r"\n{3,}", "\n\n", made.strip())


@cache
def law() -> Mandate:
    """Return the mandate of the sample city."""
    return mandate(ROOT / "inventory" / "huludao")


def context_of(command: click.Command, words: str) -> click.Context:
    """Return a context as a real call has it: click keeps the first help option it makes, `-h` or none, for good."""
    return click.Context(command, info_name=words, **cli.context_settings)


def leaves(
    command: click.Command = cli, path: tuple[str, ...] = ("egov",)
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield the words and the object of every command, groups before their commands."""
    yield path, command
    if isinstance(command, click.Group):
        context = context_of(command, path[-1])
        for word in command.list_commands(context):
            if (found := command.get_command(context, word)) is not None:
                yield from leaves(found, (*path, word))


def _commands() -> str:
    common = {parameter.name for parameter in cli.params if parameter.name != "version"}
    parts = []
    for path, command in leaves():
        whole = command is cli
        words = " ".join(path)
        usage = " ".join(command.collect_usage_pieces(context_of(command, words)))
        heading = "Options of every command" if whole else words
        parts.append(f"\n{'#' * max(2, len(path))} {heading}\n\n`{words} {usage}`\n")
        parts.append("" if whole else _help(command))
        parts += _options(command, set() if whole else common)
    return "\n".join(parts)


def _help(command: click.Command) -> str:
    return "\n\n".join(map(paragraph, inspect.cleandoc(command.help or "").split("\n\n"))) + "\n"


def _options(command: click.Command, without: set[str | None]) -> Iterator[str]:
    for parameter in command.params:
        record = parameter.get_help_record(context_of(command, "")) if isinstance(parameter, click.Option) else None
        if record is not None and parameter.name not in without:
            yield entry(f"`{record[0]}`: {record[1]}")


def _kinds() -> str:
    parts = [f"## city\n\n{first(Profile)}\n", *described(Profile)]
    for kind, model in kinds().items():
        parts += [f"\n## {kind}\n\n{first(model)}\n", *described(model, without=OF_EVERY_OBJECT)]
    return "\n".join(parts)


def _fields_of(model: type[BaseModel], without: frozenset[str] = frozenset()) -> Callable[[], str]:
    return lambda: "\n".join(described(model, without=without))


def _facts() -> str:
    parts = ["## Columns of every table\n", *_columns(Fact, frozenset())]
    for name, table in tables().items():
        parts += [f"\n## {name}\n\n{first(table)}\n", *_columns(table, frozenset(Fact.__dataclass_fields__))]
    return "\n".join(parts)


def _columns(table: type[Fact], without: frozenset[str]) -> Iterator[str]:
    types = columns(table) if table is not Fact else {}
    for name, field in table.__dataclass_fields__.items():
        if name not in without and "meaning" in field.metadata:
            kind, may_be_empty = types.get(name, ("TIMESTAMP" if name in _MOMENT else "VARCHAR", False))
            empty = ", may be empty" if may_be_empty else ""
            yield entry(f"`{name}` ({_TYPES[kind]}{empty}): {field.metadata['meaning']}")


def _duties() -> str:
    parts = []
    for duty in sorted(law().duties.values(), key=lambda duty: duty.id):
        due = ", ".join(str(deadline.day) for deadline in duty.deadlines)
        place = f"{law().documents[duty.document].number} {duty.clause}" + (f"; due {due}" if due else "")
        parts.append(f"\n### {duty.id} {duty.title_zh}\n\n{place}\n\n{paragraph(duty.summary_en)}\n")
        bound = ", ".join(f"`{binding.check}`" for binding in duty.checks)
        parts.append(entry(f"What a program can check: {duty.checkable}"))
        parts.append(entry(f"Checks: {bound}" if bound else f"Not checked: {_reason(duty)}"))
    return "\n".join(parts)


def _reason(duty: Duty) -> str:
    return (duty.not_checked_reason or "").partition(": see docs/")[0]


def _checks() -> str:
    parts = []
    known = checks()
    for duty in sorted(law().duties.values(), key=lambda duty: duty.id):
        for binding in duty.checks:
            check = known[binding.check]
            kind = next((kind for kind, model in kinds().items() if model is check.of), "city")
            parts.append(f"\n### {check.name}\n\n{title(check.name, 'zh')}, {title(check.name, 'en')}.")
            parts.append(f"Judges `{kind}` for {duty.id} ({duty.clause}).\n\n{paragraph(first(check.function))}\n")
            parts += _parameters(check.parameters, binding.parameters)
            parts.append(entry(f"In the sample city because: {binding.reason}"))
            if check.bound:
                parts.append(entry(f"A decision that exempts needs an upper value of `{check.bound}`."))
    return "\n".join(parts)


def _parameters(model: type[BaseModel], given: Any) -> Iterator[str]:  # noqa: ANN401 - a binding's mapping
    lines = {line.split("`")[1]: line for line in described(model)}
    parts = {name.rpartition(".")[0] for name in lines}
    for name, line in lines.items():
        holder, _, key = name.rpartition(".")
        said = given.get(holder, {}) if holder else given
        shown = listed(said[key]) if isinstance(said.get(key), tuple) else _yaml(said.get(key))
        here = f"; in the sample city {shown}" if key in said and name not in parts else ""
        yield entry(" ".join(line.removeprefix("- ").split()) + here)


def listed(value: tuple[Any, ...]) -> str:
    """Return a list in words; sets of words one after the other."""
    return ", ".join(" + ".join(one) if isinstance(one, tuple) else str(one) for one in value)


def _cases() -> str:
    parts = []
    for kind in case_kinds().values():
        head = kind.head
        begins = f"Opened by the role `{head.initial_role}`; begins as `{head.initial}`."
        parts.append(f"\n### {head.id} {head.name_zh}\n\n{begins}\n")
        parts += ["| state | 状态 | working days |", "| --- | --- | --- |"]
        for state in kind.states.values():
            limit = "final" if state.final else state.working_days or "no limit"
            parts.append(f"| `{state.id}` | {state.name_zh} | {limit} |")
        parts += ["", "| step | 步骤 | from | to | role | needs |", "| --- | --- | --- | --- | --- | --- |"]
        for step in kind.transitions.values():
            needs = [f"{step.documents} document"] if step.documents else []
            needs += ["a decision"] if step.decision else []
            needs += [f"a finding that is {' or '.join(step.finding)}"] if step.finding else []
            needs += ["a signature"] if step.signed else []
            needs += [f"{step.waits} working days"] if step.waits else []
            needs += ["a note"] if step.note else []
            needs += [f"{step.quiet} watched days, no call"] if step.quiet else []
            way = f"{', '.join(f'`{state}`' for state in step.from_)} | `{step.to}`"
            parts.append(f"| `{step.id}` | {step.name_zh} | {way} | `{step.role}` | {', '.join(needs) or 'nothing'} |")
    return "\n".join(parts)


def _roles() -> str:
    parts = []
    for path in sorted(ROOT.glob("playbooks/roles/*/meta/argument_specs.yml")):
        spec = yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"]["main"]
        said = spec.get("description", spec["short_description"])
        parts.append(f"\n### {path.parents[1].name}\n\n{paragraph(said)}\n")
        parts += _role_options(spec["options"], "")
    return "\n".join(parts)


def _role_options(options: dict[str, Any], before: str) -> Iterator[str]:
    for name, option in options.items():
        kind = f"list of {option['elements']}" if "elements" in option else option["type"]
        default = f"default `{_yaml(option['default'])}`" if "default" in option else "optional"
        needed = "required" if option.get("required") else default
        if "choices" in option:
            kind = "one of " + ", ".join(f"`{choice}`" for choice in option["choices"])
        yield entry(f"`{before}{name}` ({kind}; {needed}): {option['description']}")
        yield from _role_options(option.get("options", {}), f"{before}{name}[].")


def _yaml(value: object) -> str:
    return yaml.safe_dump(value, default_flow_style=True).removesuffix("...\n").strip()


def _controls() -> str:
    data = yaml.safe_load((ROOT / "stacks/policy/controls.yml").read_text(encoding="utf-8"))
    lines = ["| control | what | objects | shown by | not served |", "| --- | --- | --- | --- | --- |"]
    for control, told in data.items():
        cells = (", ".join(told.get(key, [])) for key in ("objects", "tests"))
        lines.append(f"| {control} | {told['what']} | {' | '.join(cells)} | {told.get('not_served', '')} |")
    return "\n".join(lines)


PARTS: dict[str, Callable[[], str]] = {
    "commands": _commands,
    "kinds": _kinds,
    "every_object": _fields_of(Item),
    "signers": _fields_of(signing.Signer),
    "duty": _fields_of(Duty),
    "sheet": _fields_of(mapping.Head),
    "column": _fields_of(mapping.Column, OF_EVERY_OBJECT - {"id"}),
    "facts": _facts,
    "duties": _duties,
    "checks": _checks,
    "cases": _cases,
    "roles": _roles,
    "controls": _controls,
}

if __name__ == "__main__":
    for page in PAGES:
        page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")
