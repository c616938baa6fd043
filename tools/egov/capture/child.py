"""What Pulumi's language host starts: a program with its engine's address. `python -m egov.capture.child`."""

from __future__ import annotations

import asyncio
import runpy
import sys

from pulumi.log import error
from pulumi.runtime import Settings, configure
from pulumi.runtime.stack import run_in_stack


def main(address: str, project: str, stack: str, program: str) -> int:
    """Run a program against an engine; 32 is the language host's code for "the error was shown"."""
    sys.path.insert(0, program)
    configure(
        Settings(
            project,
            stack,
            address,
            address,
            dry_run=True,
            organization="organization",
            root_directory=program,
        )
    )
    try:
        asyncio.run(run_in_stack(lambda: (runpy.run_path(program, run_name="__main__"), None)[1]))
    except Exception as failure:  # noqa: BLE001 - a program may raise anything; it goes to the engine's log
        error(f"{type(failure).__name__}: {failure}")
        return 32
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
