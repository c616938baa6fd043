"""Options and small outputs that all commands share."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

import click

from egov.errors import DescriptionError, UsageError

if TYPE_CHECKING:
    from egov.capture.programs import Stacks
    from egov.cases import Case
    from egov.city import City
    from egov.mandate import Mandate
    from egov.present.rows import Report

Command = TypeVar("Command", bound=Callable[..., Any])

FORMATS = ("table", "json", "csv", "xlsx", "html")


@dataclass(frozen=True, slots=True)
class Common:
    """What every command may be told; see `egov --help`."""

    city: Path | None = None
    evidence: Path | None = None
    as_of: date | None = None
    lang: str = "zh"
    format: str | None = None
    output: Path | None = None

    def city_dir(self) -> Path:
        """Return the city's folder (option, $EGOV_CITY, or the only one under inventory/)."""
        from egov.city.load import find

        return find(self.city)

    def load_city(self) -> City:
        """Return the described city."""
        from egov.city import load

        return load(self.city_dir())

    def load_mandate(self) -> Mandate:
        """Return the city's mandate."""
        from egov.mandate import mandate

        return mandate(self.city_dir())

    def load_cases(self) -> dict[str, Case]:
        """Return the city's cases."""
        from egov.cases import read_cases

        return read_cases(self.city_dir())

    def report(self, only: tuple[str, ...], *, description_of_today: bool) -> Report:
        """Return the audit of the city with what it rests on; UsageError for a past day and a later description."""
        from egov.cases import decisions, open_rectifications
        from egov.checks import audit
        from egov.facts import Facts
        from egov.present.provenance import provenance, refuse_anachronism
        from egov.present.rows import Report

        folder, evidence, city = self.city_dir(), self.evidence_dir(), self.load_city()
        today = now_in(city).date()
        as_of = self.as_of or today
        if not description_of_today:
            refuse_anachronism(folder, as_of, today)
        law, cases = self.load_mandate(), self.load_cases()
        facts = Facts.of_store(city, as_of, evidence)
        found = audit(facts, law, decisions(cases), only, open_rectifications(cases))
        return Report(found, city, law, provenance(folder, city.profile.id, as_of, law, evidence))

    def day(self, city: City) -> date:
        """Return the as-of day: --as-of, else today where the city is."""
        return self.as_of or now_in(city).date()

    def root(self) -> Path:
        """Return the folder that holds inventory/, evidence/ and .lab/."""
        return self.city_dir().resolve().parent.parent

    def stacks(self, environment: str) -> Stacks:
        """Return the Pulumi programs below stacks/, for one environment of the city."""
        from egov.capture.programs import Stacks

        city = self.load_city()
        return Stacks(self.root() / "stacks", environment, self.city_dir().resolve(), self.day(city))

    def evidence_dir(self) -> Path:
        """Return the evidence store of the city: --evidence, else evidence/<city> beside inventory/."""
        return self.evidence or self.root() / "evidence" / self.city_dir().resolve().name

    def as_json(self) -> bool:
        """Say whether the result is wanted as JSON; UsageError for a form that only audits have."""
        if self.format not in {None, "table", "json"}:
            message = f"no form {self.format} here; there are table, json"
            raise UsageError(message)
        return self.format == "json"

    def write(self, data: str | bytes) -> None:
        """Write a command's result to --output, or to stdout; UsageError where it cannot be written or read there."""
        raw = data.encode() if isinstance(data, str) else data
        if self.output:
            write_file(self.output, raw)
            click.echo(f"wrote {self.output}", err=True)
        elif isinstance(data, bytes) and sys.stdout.isatty():
            message = f"{self.format} is not for a terminal; name a file with --output"
            raise UsageError(message)
        else:
            sys.stdout.buffer.write(raw)


def now_in(city: City) -> datetime:
    """Return the time in the city: its days are those of decisions, deadlines and working days."""
    return datetime.now(ZoneInfo(city.profile.timezone))


def write_file(path: Path, raw: bytes) -> None:
    """Write a file and the folders above it; UsageError if that is not possible."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
    except OSError as error:
        message = f"cannot write {path}: {error.strerror}"
        raise UsageError(message) from None


def write_folder(folder: Path, files: Mapping[str, str], index: str | None = None) -> None:
    """Write files below a folder; those that an earlier *index* there names and nobody writes now are taken away.

    UsageError where that is not possible, or where the index leads out of the folder.
    """
    for name in _written(folder / index) - files.keys() if index else ():
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()):
            message = f"{folder / str(index)} names {name}, which is not below it"
            raise UsageError(message)
        path.unlink(missing_ok=True)
    for name, text in files.items():
        write_file(folder / name, text.encode())
    click.echo(f"wrote {len(files)} files to {folder}", err=True)


def _written(index: Path) -> set[str]:
    try:
        return {str(entry["file"]) for entry in json.loads(index.read_text(encoding="utf-8"))["objects"]}
    except FileNotFoundError:
        return set()
    except (OSError, ValueError, TypeError, KeyError):
        message = f"{index} is not an index that egov wrote; name another folder, or remove it"
        raise UsageError(message) from None


class _Day(click.ParamType[date]):
    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:  # noqa: ANN401
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a date as 2018-12-31", param, ctx)


DAY = _Day()

_OPTIONS = (
    click.option("--city", type=click.Path(path_type=Path), help="City's folder [only one under inventory/]."),
    click.option("--evidence", type=click.Path(path_type=Path), help="Evidence store [evidence/<city>]."),
    click.option("--as-of", type=DAY, help="Judge as of this day [today]."),
    click.option("--lang", type=click.Choice(["zh", "en"]), help="Language of results [zh]."),
    click.option("--format", type=click.Choice(FORMATS), help="Form of the result [table]."),
    click.option("--output", type=click.Path(path_type=Path), help="File to write [stdout]."),
)


def common_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the common options to a group; its commands see them through `common`."""

    @functools.wraps(function)
    def wrapper(**options: Any) -> Any:  # noqa: ANN401 - click passes what it parsed
        context = click.get_current_context()
        given = {name: options.pop(name) for name in _NAMES}
        context.obj = _merged(context.find_object(Common) or Common(), given)
        return function(**options)

    return _with_options(wrapper)


def common(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the common options to a command and pass them as its first argument, a `Common`."""

    @functools.wraps(function)
    def wrapper(*args: Any, **options: Any) -> Any:  # noqa: ANN401
        context = click.get_current_context()
        given = {name: options.pop(name) for name in _NAMES}
        return function(_merged(context.find_object(Common) or Common(), given), *args, **options)

    return _with_options(wrapper)


today_option = click.option(
    "--description-of-today", is_flag=True, help="Judge a past day by the description as it is now."
)
environment_option = click.option(
    "--env", "environment", metavar="NAME", default="production", help="Environment of the stacks [production]."
)
lab_option = click.option("--lab", metavar="NAME", help="The hosts stand in this lab [$EGOV_LAB; none].")

_NAMES = ("city", "evidence", "as_of", "lang", "format", "output")


def _merged(base: Common, given: dict[str, Any]) -> Common:
    return replace(base, **{name: value for name, value in given.items() if value is not None})


def _with_options(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def say_problems(error: DescriptionError) -> int:
    """Print every problem of a description to stderr and return the exit code."""
    for problem in error.problems:
        click.echo(str(problem), err=True)
    click.echo(f"{len(error.problems)} problem(s)", err=True)
    return error.exit_code
