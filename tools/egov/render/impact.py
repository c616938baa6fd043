"""What a change of the description will touch: hosts, files, units that restart. Pure; reads the roles' own text.

Nothing about a role is written here. A task's file is touched when a variable that changed stands in the task, in the
template it renders, or in a variable of the role that it uses; what it notifies is what restarts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_PACKAGES = "packages"  # the project's own action; all others are named in full


@dataclass(frozen=True, slots=True)
class Touch:
    """One task that writes something: its name, the file it writes (if it names one), the units its handlers act on."""

    task: str
    file: str | None
    restarts: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class HostImpact:
    """What a change means for one host. `state` is changed, added or removed."""

    host: str
    state: str
    variables: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    restarts: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {
            "host": self.host,
            "state": self.state,
            "variables": list(self.variables),
            "files": list(self.files),
            "tasks": list(self.tasks),
            "restarts": list(self.restarts),
        }


def impact(before: Mapping[str, Any], after: Mapping[str, Any], roles: Path) -> list[HostImpact]:
    """Return the hosts that differ between two inventories (as `render.ansible.inventory` makes them), sorted."""
    touches = list(all_touches(roles))
    old, new = _variables(before), _variables(after)
    found = [HostImpact(host, "removed") for host in sorted(old.keys() - new.keys())]
    for host in sorted(new):
        if host not in old:
            found.append(_impact(host, "added", new[host].keys(), touches))
            continue
        names = {**old[host], **new[host]}
        changed = [name for name in names if old[host].get(name) != new[host].get(name)]
        if changed:
            found.append(_impact(host, "changed", changed, touches))
    return sorted(found, key=lambda item: item.host)


def _variables(inventory: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return each host's variables, common ones included; groups count as variables, as roles are chosen by them."""
    hosts = {host: {**inventory["all"]["vars"]} for host in inventory["_meta"]["hostvars"]}
    for group, content in inventory.items():
        for host in content.get("hosts", []):
            hosts[host] |= {f"group {group}": True, **content["vars"]}
    return {host: variables | inventory["_meta"]["hostvars"][host] for host, variables in hosts.items()}


def _impact(host: str, state: str, names: Any, touches: list[Touch]) -> HostImpact:  # noqa: ANN401 - any iterable
    words = [name for name in names if " " not in name]
    pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, words)) or '(?!)'})\b")
    hit = [touch for touch in touches if pattern.search(touch.text)]
    return HostImpact(
        host,
        state,
        tuple(sorted(names)),
        tuple(dict.fromkeys(touch.file for touch in hit if touch.file)),
        tuple(dict.fromkeys(touch.task for touch in hit if not touch.file)),
        tuple(dict.fromkeys(unit for touch in hit for unit in touch.restarts)),
    )


def all_touches(roles: Path) -> Iterator[Touch]:
    """Yield every task of every role that writes a file or installs something."""
    for role in sorted(path for path in roles.iterdir() if (path / "tasks").is_dir()):
        handlers = {task["name"]: _unit(task) for task in _tasks(role / "handlers")}
        variables = _flat(role / "vars/main.yml")
        for task in _tasks(role / "tasks"):
            module, arguments = _module(task)
            if module.rpartition(".")[2] not in {"template", "copy", "file", "lineinfile", "user", "apt", _PACKAGES}:
                continue
            notified = task.get("notify", [])
            names = [notified] if isinstance(notified, str) else notified
            restarts = tuple(unit for name in names if (unit := handlers.get(name)))
            text = _text(task, arguments, role, variables)
            for file in _files(task, arguments, variables):
                yield Touch(f"{role.name}: {task['name']}", file, restarts, text)


def _tasks(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("*.yml")):
        yield from _each(yaml.safe_load(path.read_text(encoding="utf-8")) or [])


def _each(tasks: list[Any]) -> Iterator[dict[str, Any]]:
    for task in tasks:
        if isinstance(task, dict):
            yield from _each(task["block"]) if "block" in task else [task]


def _module(task: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    for key, value in task.items():
        if ("." in key or key == _PACKAGES) and isinstance(value, Mapping):
            return key, value
    return "", {}


def _unit(handler: Mapping[str, Any]) -> str:
    _, arguments = _module(handler)
    return str(arguments.get("name", handler["name"]))


def _flat(path: Path) -> dict[str, str]:
    data = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return {name: str(value) for name, value in (data or {}).items()}


def _files(task: Mapping[str, Any], arguments: Mapping[str, Any], variables: Mapping[str, str]) -> list[str | None]:
    """Return the files a task writes: one per entry where it loops over names, None where it names no file."""
    target = arguments.get("dest") or arguments.get("path")
    if target is None:
        return [None]
    match = re.fullmatch(r"\{\{ *(\w+) *\}\}", str(target))
    looped = task.get("loop")
    if match and match[1] == "item" and isinstance(looped, list):
        return [str(entry) for entry in looped]
    return [variables.get(match[1], str(target)) if match else str(target)]


def _text(task: Mapping[str, Any], arguments: Mapping[str, Any], role: Path, variables: Mapping[str, str]) -> str:
    """Return a task with the templates and role variables it uses, as one text to look for names in."""
    text = yaml.safe_dump(dict(task), allow_unicode=True)
    if isinstance(arguments.get("src"), str):
        text += _template(role, arguments["src"])
    seen: set[str] = set()
    while more := {n for n in variables if n not in seen and re.search(rf"\b{n}\b", text)}:
        seen |= more
        for name in sorted(more):
            text += f"\n{variables[name]}"
            for template in re.findall(r"'([\w./-]+\.j2)'", variables[name]):
                text += _template(role, template)
    return text


def _template(role: Path, name: str) -> str:
    path = role / "templates" / name
    return "\n" + path.read_text(encoding="utf-8") if path.is_file() else ""
