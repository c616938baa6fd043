"""The action `packages`: apt is asked only where dpkg lacks something, or where its lists are to be fetched anew."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest

PLUGIN = Path(__file__).parents[2] / "playbooks" / "action_plugins" / "packages.py"


def ran(status: str, code: int, **arguments: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:  # noqa: ANN401 - as YAML has it
    """Run the action where dpkg answers so; return its result, and what apt was asked."""
    spec = importlib.util.spec_from_file_location("packages", PLUGIN)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    task = MagicMock(args=arguments, async_val=0)
    action = module.ActionModule(task, *(MagicMock() for _ in range(5)))
    asked: list[dict[str, Any]] = []

    def apt(name: str, module_args: dict[str, Any], **_: object) -> dict[str, Any]:
        assert "ansible.builtin.apt" == name
        asked.append(module_args)
        return {"changed": True}

    action._execute_module = apt
    action._low_level_execute_command = lambda _: {"rc": code, "stdout_lines": status.split()}
    return action.run(), asked


@pytest.mark.parametrize(
    ("status", "code", "refresh", "asked"),
    [
        pytest.param("installed installed", 0, False, False, id="all there"),
        pytest.param("installed", 1, False, True, id="one that dpkg never heard of"),
        pytest.param("installed config-files", 0, False, True, id="one that was removed"),
        pytest.param("installed half-configured", 0, False, True, id="one that was interrupted"),
        pytest.param("installed installed", 0, True, True, id="all there, the source is another one"),
    ],
)
def test_apt_is_asked_only_where_something_is_missing(status: str, code: int, *, refresh: bool, asked: bool) -> None:
    """What is missing or half there is apt's to install; its lists are fetched anew only when that is said."""
    result, calls = ran(status, code, name=["etcd-server", "etcd-client"], refresh=refresh)

    assert asked == result["changed"] == bool(calls)
    for call in calls:
        assert (["etcd-server", "etcd-client"], "present", False) == tuple(
            call[key] for key in ("name", "state", "install_recommends")
        )
        assert refresh == (call["cache_valid_time"] == 0)


def test_one_name_is_one_package() -> None:
    """A name may stand alone: it is no list of letters."""
    _, calls = ran("", 1, name="restic")

    assert ["restic"] == calls[0]["name"]
