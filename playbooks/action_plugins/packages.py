"""Ansible action: have packages of the distribution, without those that they only recommend.

`packages: {name: [etcd-server, etcd-client]}`; `refresh: true` fetches the source's lists anew, whatever is installed.
dpkg is asked first, and apt only where one is missing: in most runs none is, and loading apt's lists costs each host
of each role a second of a core.
"""

from __future__ import annotations

import shlex

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

DAY = 86400


class ActionModule(ActionBase):
    """The action."""

    _VALID_ARGS = frozenset({"name", "refresh"})

    def run(self, tmp=None, task_vars=None):
        """Return what apt did, or that there was nothing to do."""
        result = super().run(tmp, task_vars)
        name, refresh = self._task.args["name"], boolean(self._task.args.get("refresh", False))
        names = [name] if isinstance(name, str) else list(name)
        if not refresh and self._installed(names):
            return result | {"changed": False}
        arguments = {
            "name": names,
            "state": "present",
            "install_recommends": False,
            "update_cache": True,
            "cache_valid_time": 0 if refresh else DAY,
        }
        return result | self._execute_module("ansible.builtin.apt", module_args=arguments, task_vars=task_vars)

    def _installed(self, names):
        command = ["dpkg-query", "--show", "--showformat", "${db:Status-Status}\\n", *names]
        asked = self._low_level_execute_command(shlex.join(command))
        return asked["rc"] == 0 and {"installed"} == set(asked["stdout_lines"])
