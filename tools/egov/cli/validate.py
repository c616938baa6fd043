"""`egov validate`: check a description and print every problem with its place."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from egov.cli.common import Common, common
from egov.errors import DescriptionError, EgovError, Problem


@click.command("validate")
@click.argument("city_dir", type=click.Path(path_type=Path), required=False)
@click.option("--json", "as_json", is_flag=True, help="Problems as JSON.")
@common
def command(options: Common, city_dir: Path | None, *, as_json: bool) -> int:
    """Check the description in CITY_DIR: all problems at once, each with file, line and column.

    Exit 0 if it is valid, 2 if not.
    """
    from egov.city.load import find

    folder = find(city_dir or options.city)
    counts: dict[str, int] = {}
    problems = sorted(set(_problems(folder, counts, options)))
    if options.as_json() or as_json:
        data = {"problems": [p.as_dict() for p in problems], "counts": {} if problems else counts}
        options.write(json.dumps(data, ensure_ascii=False, indent=2) + "\n")
    elif problems:
        options.write("".join(f"{problem}\n" for problem in problems))
    else:
        from egov.present.tables import paragraph

        there = ", ".join(f"{number} {kind}" for kind, number in counts.items() if number)
        options.write(paragraph(f"{folder.resolve().name}: valid; {there}"))
    return DescriptionError.exit_code if problems else 0


def _problems(folder: Path, counts: dict[str, int], options: Common) -> Iterator[Problem]:
    """Yield the problems of description, mandate, the mandate's bindings, signers and cases; fill *counts*.

    No flow may have ended before the as-of day, by which the mandate's bindings are looked at too.
    """
    from egov.cases.store import city_signers, read_cases
    from egov.checks import bindings
    from egov.city import load
    from egov.city.load import expired_flows, kinds
    from egov.mandate import WorkingCalendar, mandate

    def part(read: Callable[[], Any], problems: list[Problem]) -> Any:  # noqa: ANN401 - whatever is read
        try:
            return read()
        except DescriptionError as error:
            problems += error.problems
        except EgovError as error:
            problems.append(Problem(folder.name, 1, 1, "E102", str(error)))
        return None

    found: list[Problem] = []
    city = part(lambda: load(folder), found)
    on = options.as_of or datetime.now(UTC).date()
    if city is not None:
        on = options.day(city)
        found += expired_flows(folder, city, on)
    law = part(lambda: mandate(folder), found)
    part(lambda: WorkingCalendar.of_city(folder), found)
    if law is not None:
        part(lambda: bindings(law, on), found)
    if part(lambda: city_signers(folder), found) is not None:
        cases = part(lambda: read_cases(folder), found)
        counts["cases"] = len(cases or ())
    if city is not None and law is not None:
        counts |= {kind: len(getattr(city, kind)) for kind in kinds()}
        counts["duties"] = len(law.duties)
    yield from found
