"""The command line. One module per command, imported only when that command is called; no logic here.

Common options are accepted before and after the command (`egov --lang en audit` and `egov audit --lang en`).
"""

from __future__ import annotations

import gc
import importlib
import pkgutil
import sys

import click

from egov import __version__
from egov.cli.common import common_options, say_problems
from egov.errors import DescriptionError, EgovError

# A command builds large trees without cycles and ends: looking for cycles every 700 objects is a fifth of its time.
CYCLES = (100_000, 50, 1000)

_SUMMARIES = {
    "audit": "Judge the city against its mandate, from evidence.",
    "case": "Open, advance, show exemptions, rectifications, retirements.",
    "collect": "Collect facts from hosts, sheets, ledgers, logs and traces.",
    "diff": "Say what a change of the description will touch.",
    "drill": "Break something on purpose and measure what it cost.",
    "facts": "Seal, verify and list evidence.",
    "init": "Write a small valid description of a new city.",
    "lab": "Run the described hosts on this machine.",
    "plan": "Propose what to do about findings, with what it saves.",
    "procedure": "Run, resume or undo a procedure on hosts.",
    "render": "Print what is rendered from the description.",
    "report": "Write the audit's reports.",
    "show": "Show a described object, a duty, a kind.",
    "validate": "Check a description; print every problem with its place.",
}


class _Commands(click.Group):
    """A group whose commands are the modules beside this file."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names of all commands."""
        return sorted(m.name for m in pkgutil.iter_modules(__path__) if m.name != "common")

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, importing its module now."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"egov.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any of them: `--help` must be quick."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, _SUMMARIES.get(name, "")) for name in self.list_commands(ctx)])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="egov")
@common_options
def cli() -> None:
    """Describe, build, audit and operate a city's e-government cloud.

    egov reads, judges, plans and prints; hosts change only through ansible-playbook.

    \b
    Exit: 0 done or all pass · 1 a violation · 2 usage or invalid description
          3 undetermined, unread or partial · 4 refused by a guard
    """  # noqa: D301 - \b keeps click from reflowing


def main() -> None:
    """Run the command line; errors for people go to stderr without a traceback."""
    gc.set_threshold(*CYCLES)
    try:
        code = cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except click.Abort:
        click.echo("aborted", err=True)
        code = 130
    except DescriptionError as error:
        code = say_problems(error)
    except EgovError as error:
        click.echo(f"egov: {error}", err=True)
        code = error.exit_code
    except BrokenPipeError:
        sys.stderr.close()
        code = 141
    sys.exit(code if isinstance(code, int) else 0)
