"""Writes one JSON line per host and task to $EGOV_RECORD: what a run did, or with --check would do."""

from __future__ import annotations

import json
import os

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: record
type: aggregate
short_description: one JSON line per host and task
description: Writes host, play, task, outcome and changed to the file named by EGOV_RECORD; silent without it.
"""


class CallbackModule(CallbackBase):
    """Structured record of a run; tests and reports read it instead of messages."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "record"

    def __init__(self):
        super().__init__()
        self._path = os.environ.get("EGOV_RECORD")
        self._play = ""
        self.disabled = not self._path

    def v2_playbook_on_play_start(self, play):
        self._play = play.get_name()

    def _write(self, result, outcome):
        line = {
            "host": result._host.get_name(),
            "play": self._play,
            "task": result._task.get_name(),
            "action": result._task.action,
            "path": result._task.get_path(),
            "outcome": outcome,
            "changed": bool(result._result.get("changed", False)),
        }
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def v2_runner_on_ok(self, result):
        self._write(result, "ok")

    def v2_runner_on_failed(self, result, ignore_errors=False):  # noqa: FBT002 - Ansible's signature
        self._write(result, "ignored" if ignore_errors else "failed")

    def v2_runner_on_skipped(self, result):
        self._write(result, "skipped")

    def v2_runner_on_unreachable(self, result):
        self._write(result, "unreachable")
