"""Plain data → frozen objects of the kinds asked for, with every problem at its place.

The description, the mandate and case files all pass through `read_kinds`: a file is a mapping whose keys are
plural kinds (a list of objects with ids) or single sections (one object, such as `city`).
"""

from __future__ import annotations

import difflib
import json
import typing
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from egov.city.codes import Code
from egov.city.fields import FORMS, Item, Part, Reference
from egov.city.model import Place
from egov.city.source import Document, read
from egov.errors import Problem


@dataclass(slots=True)
class Kinds:
    """What a set of files holds: objects by kind and id, single sections, where each stands, what is wrong."""

    items: dict[str, dict[str, Any]] = field(default_factory=dict)
    named: dict[str, set[str]] = field(default_factory=dict)  # ids as written, of broken objects too
    sections: dict[str, Part] = field(default_factory=dict)
    places: dict[tuple[str, str], Place] = field(default_factory=dict)
    documents: dict[str, Document] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def problem(
        self, kind: str, item_id: str, loc: Sequence[str | int], code: Code, message: str, hint: str
    ) -> Problem:
        """Return a problem at a value of a described object (`loc` counts from the object)."""
        place = self.places[kind, item_id]
        document = self.documents[place.file]
        return document.problem((kind, place.index, *loc), code, message, hint)


def read_kinds(
    root: Path, paths: Iterable[Path], kinds: Mapping[str, type[Item]], sections: Mapping[str, type[Part]] | None = None
) -> Kinds:
    """Read *paths* (named relative to *root* in messages) as objects of *kinds* and single *sections*."""
    result = Kinds(items={kind: {} for kind in kinds})
    for path in sorted(paths):
        document = read(path, path.relative_to(root).as_posix())
        result.documents[document.name] = document
        before = len(result.problems)
        if document.data is not None:
            _read_document(document, kinds, sections or {}, result)
        unread = {(found.line, found.col) for found in document.problems}  # what else is said of these follows from it
        shapes = [found for found in result.problems[before:] if (found.line, found.col) not in unread]
        result.problems[before:] = [*document.problems, *shapes]
    return result


def _read_document(
    document: Document, kinds: Mapping[str, type[Item]], sections: Mapping[str, type[Part]], result: Kinds
) -> None:
    if not isinstance(document.data, dict):
        message = "a file is a mapping from kinds to lists, as `rooms: [...]`"
        result.problems.append(document.problem((), Code.E107, message, "文件顶层应为 种类: [对象…]"))
        return
    for key, value in document.data.items():
        if key in sections:
            _read_section(document, key, value, sections[key], result)
        elif key in kinds:
            _read_list(document, key, value, kinds[key], result)
        else:
            message = f"unknown kind {key}{_did_you_mean(key, [*kinds, *sections])}"
            result.problems.append(document.key_problem((key,), Code.E201, message, "未知的种类"))


def _read_section(document: Document, key: str, value: object, model: type[Part], result: Kinds) -> None:
    if key in result.sections:
        message = f"{key} is described a second time"
        result.problems.append(document.key_problem((key,), Code.E310, message, "只能有一处"))
        return
    try:
        result.sections[key] = model.model_validate(value)
    except ValidationError as error:
        result.problems += problems_of(document, (key,), model, error)


def _read_list(document: Document, kind: str, value: object, model: type[Item], result: Kinds) -> None:
    if value is None:
        return
    if not isinstance(value, tuple):
        message = f"{kind}: expected a list of objects"
        result.problems.append(document.problem((kind,), Code.E107, message, "应为列表, 每项以 - 开头"))
        return
    named = result.named.setdefault(kind, set())
    named.update(entry["id"] for entry in value if isinstance(entry, dict) and isinstance(entry.get("id"), str))
    for index, item in _validated(document, kind, value, model, result):
        line, col = document.position((kind, index))
        if item.id in result.items[kind]:
            first = result.places[kind, item.id]
            message = f"{kind} {item.id} is already described at {first.file}:{first.line}"
            result.problems.append(document.problem((kind, index, "id"), Code.E301, message, "编号重复"))
            continue
        result.items[kind][item.id] = item
        result.places[kind, item.id] = Place(document.name, line, col, index)


def _validated(
    document: Document, kind: str, values: tuple[object, ...], model: type[Item], result: Kinds
) -> Iterator[tuple[int, Item]]:
    try:
        yield from enumerate(adapter(model).validate_python(values))
    except ValidationError as error:
        result.problems += problems_of(document, (kind,), model, error)
        broken = {detail["loc"][0] for detail in error.errors()}
        for index, value in enumerate(values):
            if index not in broken:
                yield index, model.model_validate(value)


@cache
def adapter(model: type[Item]) -> TypeAdapter[tuple[Item, ...]]:
    """Return the validator of a whole list of one kind (built once: building is costly)."""
    return TypeAdapter(tuple[model, ...])  # type: ignore[valid-type]


_EXPECTED = {
    "string_type": ("text", "应为文本; 若以数字开头请加引号"),
    "int_type": ("a whole number", "应为整数"),
    "float_type": ("a number", "应为数字"),
    "bool_type": ("true or false", "应为 true 或 false"),
    "tuple_type": ("a list", "应为列表"),
    "model_type": ("a mapping", "应为 键: 值"),
    "model_attributes_type": ("a mapping", "应为 键: 值"),
    "dict_type": ("a mapping", "应为 键: 值"),
    "date_type": ("a date", "应为日期"),
}


def problems_of(
    document: Document, at: tuple[str | int, ...], model: type[BaseModel], error: ValidationError
) -> list[Problem]:
    """Return pydantic's errors about the value at *at* as problems, each at the offending value or key."""
    details = error.errors()
    inside = {detail["loc"][:length] for detail in details for length in range(len(detail["loc"]))}
    # A list is also called too short when its only entry is what is wrong.
    return [_problem(document, at, model, d) for d in details if d["type"] != "too_short" or d["loc"] not in inside]


def _problem(document: Document, at: tuple[str | int, ...], model: type[BaseModel], detail: ErrorDetails) -> Problem:
    loc = tuple(
        part for part in detail["loc"] if not (isinstance(part, str) and part.startswith(("function-", "tuple[")))
    )
    whole = (*at, *loc)
    name = ".".join(str(part) for part in loc if isinstance(part, str)) or str(at[-1] if at else "file")
    kind, context, value = detail["type"], detail.get("ctx", {}), detail["input"]
    if kind in Code.__members__:
        return document.problem(whole, Code[kind], f"{name}: {context['message']}", context["hint"])
    if kind == "extra_forbidden":
        key = str(loc[-1])
        guess = _did_you_mean(key, _field_names(model, loc[:-1]))
        return document.key_problem(whole, Code.E202, f"unknown field {key}{guess}", "未知的字段")
    if kind == "missing":
        return document.problem(whole, Code.E204, f"{name} is missing", "缺少必填字段")
    if kind == "literal_error":
        choices = str(context["expected"])
        guess = _did_you_mean(str(value), choices.replace("'", "").replace(" or ", ", ").split(", "))
        return document.problem(
            whole, Code.E205, f"{name}: {shown(value)} is not one of {choices}{guess}", "不在允许的取值内"
        )
    if kind in _EXPECTED:
        expected, hint = _EXPECTED[kind]
        return document.problem(whole, Code.E203, f"{name}: expected {expected}, got {shown(value)}", hint)
    if kind == "too_short":
        message = f"{name}: expected at least {context['min_length']} entry, got {context['actual_length']}"
        return document.problem(whole, Code.E205, message, "条目过少")
    if kind == "string_pattern_mismatch":
        form, hint = FORMS.get(str(context["pattern"]), (context["pattern"], "格式不符"))
        return document.problem(whole, Code.E206, f"{name}: {shown(value)} does not have the form: {form}", hint)
    message = detail["msg"][:1].lower() + detail["msg"][1:]
    return document.problem(whole, Code.E205, f"{name}: {message}, got {shown(value)}", "超出允许范围")


def shown(value: object) -> str:
    """Return what a person wrote, as messages quote it: short, and on one line."""
    text = repr(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."  # noqa: PLR2004 - fits one terminal line with its place


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    near = nearest(word, known)
    return f"; did you mean {near}?" if near else ""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word nearest to a mistyped one, or None if nothing is near."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return near[0] if near else None


def _field_names(model: type[BaseModel], loc: Sequence[str | int]) -> list[str]:
    current: Any = model
    for part in loc:
        if isinstance(part, str) and part in getattr(current, "model_fields", {}):
            current = next(iter(_models(current.model_fields[part].annotation)), None)
    return list(getattr(current, "model_fields", {}))


def _models(annotation: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401 - any annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in typing.get_args(annotation):
        yield from _models(argument)


@cache
def reference_paths(model: type[BaseModel]) -> tuple[tuple[tuple[str, ...], str], ...]:
    """Return where *model* refers to other kinds: paths of field names (`*` = each entry of a list) and the kind."""
    found: list[tuple[tuple[str, ...], str]] = []
    for name, info in model.model_fields.items():
        hints = typing.get_type_hints(model, include_extras=True)[name]
        found += [((name, *path), kind) for path, kind in _paths_in(hints)]
        del info
    return tuple(found)


def _paths_in(annotation: Any) -> Iterator[tuple[tuple[str, ...], str]]:  # noqa: ANN401 - any annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from reference_paths(annotation)
        return
    arguments = typing.get_args(annotation)
    for metadata in getattr(annotation, "__metadata__", ()):
        if isinstance(metadata, Reference):
            yield (), metadata.kind
    each = typing.get_origin(annotation) is tuple
    for argument in arguments:
        for path, kind in _paths_in(argument):
            yield (("*", *path) if each else path), kind


def references(item: BaseModel) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """Yield (place within the object, kind, id) for every reference the object makes."""
    for path, kind in reference_paths(type(item)):
        for loc, value in _values(item, path):
            yield loc, kind, value


def _values(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:  # noqa: ANN401
    if value is None:
        return
    if not path:
        yield (), value
    elif path[0] == "*":
        for index, entry in enumerate(value):
            for loc, found in _values(entry, path[1:]):
                yield (index, *loc), found
    else:
        for loc, found in _values(getattr(value, path[0]), path[1:]):
            yield (path[0], *loc), found


def dangling(kinds: Kinds, known: Mapping[str, Collection[str]]) -> Iterator[Problem]:
    """Yield a problem for every reference to an id that *known* does not hold, with the nearest one.

    Pass `kinds.named` so that a reference to a broken object is not blamed as well.
    """
    for kind, items in kinds.items.items():
        for item in items.values():
            for loc, target, value in references(item):
                if value not in known.get(target, ()):
                    guess = _did_you_mean(value, known.get(target, ()))
                    message = f"{'.'.join(str(p) for p in loc if isinstance(p, str))}: no {target} {value}{guess}"
                    yield kinds.problem(kind, item.id, loc, Code.E302, message, "引用的对象不存在")
