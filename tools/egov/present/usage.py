"""The use of systems on a terminal: what was taken in from logs, and what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from egov.present.tables import paragraph, table

if TYPE_CHECKING:
    from egov.collect.metrics import TakenIn


def taken_logs(taken: Any) -> str:  # noqa: ANN401 - egov.collect.logs.Taken
    """Return what was taken in from each log, for what it was taken and why, and what was not read."""
    fresh = [log for log in taken.logs if not log.earlier]
    rows = [(log.path, log.lines, log.requests, log.unread) for log in fresh]
    text = table(("log", "lines", "requests", "unread"), rows) if rows else ""
    for log in fresh:
        text += "".join(paragraph(f"{log.path}: {line}") for line in (log.layout, *log.notes))
    earlier = [log.path for log in taken.logs if log.earlier]
    text += "".join(paragraph(f"{path}: nothing new; an earlier run holds it") for path in earlier)
    return text + (f"run {taken.run}: {taken.unread} unread\n" if taken.run else "no run: nothing new\n")


def taken_traces(taken: TakenIn) -> str:
    """Return what each trace was taken for, and of how many days of each host it tells."""
    text = table(("trace", "taken for"), taken.files.items()) + "\n"
    text += table(("host", "days"), [(host, str(count)) for host, count in taken.days.items()])
    return f"{text}run {taken.run}: {taken.unread} unread\n"


def usage_table(systems: Sequence[Mapping[str, Any]]) -> str:
    """Return the use of each system on a line: people, machines, unread lines."""
    heads = ("system", "human", "clients", "days", "last human", "machines", "lines", "unread")
    rows = [
        (
            row["system"],
            row["by_agent_class"]["human"],
            row["human_clients"],
            len(row["human_by_day"]),
            (row["last_human"] or "-")[:10],
            sum(count for name, count in row["by_agent_class"].items() if name != "human"),
            row["lines"],
            row["unread"],
        )
        for row in systems
    ]
    return table(heads, rows) if rows else "no access log was taken in\n"
