"""YAML text → plain data, with the line and column of every value and all problems at once.

Scalars follow the YAML 1.2 core schema; a plain scalar that a YAML 1.1 reader would take for something else
(`on`, `no`, `0123`, `22:30`) is refused, so that every tool reads the same file alike.
Measured: composing with libyaml is most of the cost, so `read` walks the nodes exactly once.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.reader import ReaderError

from egov.city.codes import Code
from egov.errors import Problem

try:
    from yaml._yaml import CParser as _Parser
except ImportError as error:  # pragma: no cover - wheels of PyYAML carry libyaml
    message = "PyYAML was built without libyaml; install the wheel named in requirements/run.txt"
    raise ImportError(message) from error

MAX_BYTES = 16 * 2**20
MAX_DEPTH = 12

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})\Z")
_FLOAT = re.compile(r"[-+]?(0|[1-9][0-9]*)\.[0-9]+\Z")
_TRAP = re.compile(
    r"(?:[yYnN]|[yY]es|YES|[nN]o|NO|[oO]n|ON|[oO]ff|OFF"  # truth values of YAML 1.1
    r"|[-+]?0[0-9_]+|[-+]?0[xXbBoO][0-9a-fA-F_]+|[-+]?[0-9][0-9_]*_[0-9_]*"  # octal, hexadecimal, 1_000
    r"|[-+]?[0-9]+(?::[0-5]?[0-9])+(?:\.[0-9]*)?"  # base 60
    r"|[-+]?[0-9][0-9]{18,}"  # does not fit 64 bits
    r"|[-+]?(?:\.[0-9]+|[0-9]+\.|[0-9.]+[eE][-+]?[0-9]+)|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
    r"|[-+]?0[0-9]+\.[0-9]+|=|<<)\Z",
)
_BREAK = re.compile(r"\r\n|[\r\n]")
_ODD_BREAK = re.compile("[\x85\u2028\u2029]")
_FIRST_OF_SPECIAL = frozenset("~nNtTfFyYoO+-.0123456789=<")


class _Loader(_Parser):
    """libyaml's composer without PyYAML's YAML 1.1 resolver: tags say only whether the author wrote one."""

    def resolve(self, kind: type[Node], value: object, implicit: object) -> str:  # noqa: ARG002 - PyYAML's signature
        """Return an empty tag: types are decided by `_scalar`."""
        return ""

    def descend_resolver(self, current_node: object, current_index: object) -> None:
        """Do nothing; PyYAML calls it for path resolvers, which are not used."""

    def ascend_resolver(self) -> None:
        """Do nothing, as above."""


@dataclass(slots=True)
class Document:
    """One file: its data (maps, tuples, text, numbers), the node tree behind it, and what was wrong."""

    path: Path
    name: str
    data: Any = None
    root: Node | None = None
    problems: list[Problem] = field(default_factory=list)

    def position(self, loc: Sequence[str | int]) -> tuple[int, int]:
        """Return line and column, from 1, of the value at *loc*; of the nearest parent if a key is missing."""
        node = locate(self.root, loc)
        return (1, 1) if node is None else _mark(node)

    def problem(self, loc: Sequence[str | int], code: Code, message: str, hint: str = "") -> Problem:
        """Return a problem at the value at *loc*."""
        line, col = self.position(loc)
        return Problem(self.name, line, col, code.name, message, hint)

    def key_problem(self, loc: Sequence[str | int], code: Code, message: str, hint: str = "") -> Problem:
        """Return a problem at the *key* of the value at *loc*, for keys that should not be there."""
        node = locate(self.root, loc[:-1])
        if isinstance(node, MappingNode):
            for key, _ in node.value:
                if getattr(key, "value", None) == loc[-1]:
                    line, col = _mark(key)
                    return Problem(self.name, line, col, code.name, message, hint)
        return self.problem(loc, code, message, hint)


def locate(node: Node | None, loc: Iterable[str | int]) -> Node | None:
    """Return the node at *loc*, or its nearest existing parent."""
    for key in loc:
        if isinstance(node, SequenceNode) and isinstance(key, int) and key < len(node.value):
            node = node.value[key]
        elif isinstance(node, MappingNode):
            hits = [value for name, value in node.value if getattr(name, "value", None) == key]
            if not hits:
                break
            node = hits[0]  # of a key given twice the first counts, as in `_Reader`
        else:
            break
    return node


def read(path: Path, name: str | None = None) -> Document:
    """Read one YAML file; never raises for what a person wrote: problems are in the result."""
    given = name or path.name
    shown = os.fsencode(given).decode("utf-8", "backslashreplace")
    document = Document(path, shown)
    if shown != given:
        hint = "请将文件名改为 UTF-8 编码"
        document.problems.append(Problem(shown, 1, 1, Code.E102.name, "the file's name is not UTF-8", hint))
        return document
    text = _text(document)
    if text is None:
        return document
    try:
        loader = _Loader(text)
        try:
            document.root = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        document.problems.append(_not_yaml(document.name, text, error))
        return document
    if document.root is not None:
        document.data = _Reader(document).value(document.root, 0)
    return document


def _text(document: Document) -> str | None:
    """Return the file's text, or None after noting why it cannot be read."""

    def refuse(code: Code, message: str, hint: str, before: str = "") -> None:
        document.problems.append(Problem(document.name, *_end(before), code.name, message, hint))

    try:
        raw = document.path.read_bytes()
    except OSError as error:
        refuse(Code.E102, f"cannot be read: {error.strerror}", "请检查文件是否存在及其权限")
        return None
    if len(raw) > MAX_BYTES:
        refuse(Code.E108, f"file has {len(raw)} bytes, more than {MAX_BYTES}", "请拆分文件")
        return None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8-sig")
        refuse(Code.E102, f"byte {raw[error.start]:#04x} is not UTF-8", "请以 UTF-8 编码保存", before)
        return None
    if odd := _ODD_BREAK.search(text):
        message = f"U+{ord(odd[0]):04X} ends a line for some YAML readers only"
        refuse(Code.E105, message, "请改用普通换行", text[: odd.start()])
        return None
    return text


def _not_yaml(name: str, text: str, error: yaml.YAMLError) -> Problem:
    """Return libyaml's refusal as a problem; what it misses at the end of a file is placed on the file's last line."""
    if isinstance(error, ReaderError):  # its position counts bytes
        line, col = _end(text.encode()[: error.position].decode(errors="ignore"))
        message = f"{Code.E101.value}: character U+{error.character:04X}: {error.reason}"
        return Problem(name, line, col, Code.E101.name, message, "含有不允许的字符")
    what = str(getattr(error, "problem", error))
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line, col = min((mark.line + 1, mark.column + 1), _end(text)) if mark else (1, 1)
    if "nesting" in what:  # libyaml's own bound, far above ours
        return Problem(name, line, col, Code.E108.name, f"nested more than {MAX_DEPTH} levels deep", "请简化结构")
    if "alias" in what or "anchor" in what:
        return Problem(name, line, col, Code.E106.name, f"{Code.E106.value}: {what}", "请直接写出值")
    return Problem(name, line, col, Code.E101.name, f"{Code.E101.value}: {what}", "请检查缩进、冒号和引号")


def _end(text: str) -> tuple[int, int]:
    """Return line and column, from 1, of the place just behind *text*."""
    lines = _BREAK.split(text)
    return len(lines), len(lines[-1]) + 1


class _Reader:
    """Turns nodes into data once, noting duplicate keys, traps, anchors and tags."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._seen: set[int] = set()

    def value(self, node: Node, depth: int) -> Any:  # noqa: ANN401 - YAML data has any shape
        """Return the node's data; a node met twice was reached through an alias, which could grow without bound."""
        if id(node) in self._seen:
            self._refuse(node, Code.E106, "anchor used by an alias", "请直接写出值, 不用锚点和别名")
            return None
        self._seen.add(id(node))
        if node.tag:
            self._refuse(node, Code.E106, f"tag {node.tag} is not used here", "请删除标签")
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        if depth > MAX_DEPTH:
            self._refuse(node, Code.E108, f"nested more than {MAX_DEPTH} levels deep", "请简化结构")
            return None
        if isinstance(node, MappingNode):
            return self._mapping(node, depth)
        return tuple([self.value(child, depth + 1) for child in node.value])

    def _mapping(self, node: MappingNode, depth: int) -> dict[str, Any]:
        data: dict[str, Any] = {}
        first: dict[str, int] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                self._refuse(key, Code.E104, "a key must be text", "键必须是文本")
                continue
            name = key.value
            if not key.style and (name in _NULL or (name[0] in _FIRST_OF_SPECIAL and self._special(name))):
                hint = "键必须是文本, 请加引号"
                self._refuse(key, Code.E104, f"key {name!r} would be read as something other than text", hint)
                continue
            if name in data:
                message = f"{name} is given twice; the first is on line {first[name]}"
                self._refuse(key, Code.E103, message, "重复的键, 请保留一个")
                continue
            first[name] = key.start_mark.line + 1
            data[name] = self.value(value, depth + 1)
        return data

    @staticmethod
    @lru_cache(maxsize=1024)  # the same keys come again and again
    def _special(text: str) -> bool:
        return text in _TRUE or text in _FALSE or bool(_INTEGER.match(text) or _FLOAT.match(text) or _TRAP.match(text))

    def _scalar(self, node: ScalarNode) -> str | int | float | bool | None:
        text: str = node.value
        if node.style:  # quoted or a block: text, whatever it looks like; libyaml says '' for plain
            return text
        if text in _NULL:
            return None
        if text[0] not in _FIRST_OF_SPECIAL:
            return text
        if text in _TRUE:
            return True
        if text in _FALSE:
            return False
        if _INTEGER.match(text):
            return int(text)
        if _FLOAT.match(text):
            return float(text)
        if _TRAP.match(text):
            message = f"plain {text} means different things to different YAML readers"
            self._refuse(node, Code.E105, message, f'若是文本请写成 "{text}", 布尔值请写 true 或 false')
        return text

    def _refuse(self, node: Node, code: Code, message: str, hint: str) -> None:
        line, col = _mark(node)
        self._document.problems.append(Problem(self._document.name, line, col, code.name, message, hint))


def _mark(node: Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1
