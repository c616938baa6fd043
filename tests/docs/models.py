"""What the fields of described things, of mandates and of sheets hold, in words for a page."""

from __future__ import annotations

import inspect
import textwrap
import typing
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from egov.city import fields
from egov.city.fields import Item, Part, Reference
from egov.collect import mapping

OF_EVERY_OBJECT = frozenset(Item.model_fields)
_WORDS: tuple[tuple[Any, str], ...] = (
    (fields.Slug, "slug"),
    (fields.Text, "text"),
    (fields.Port, "port/protocol"),
    (fields.Units, "1 to 60"),
    (fields.Money, "whole number"),
    (fields.Day, "day"),
    (fields.CreditCode, "18 characters"),
    (fields.Address, "address"),
    (fields.Network, "prefix"),
    (fields.NotClassified, "always `false`"),
    (mapping.Plain, "text, number, `true` or `false`"),
    (str, "text"),
    (bool, "`true` or `false`"),
    (int, "whole number"),
    (float, "number"),
)


def entry(words: str) -> str:
    """Return a list entry, broken at 120 columns."""
    return textwrap.fill(f"- {words}", 120, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def paragraph(words: str) -> str:
    """Return a paragraph, broken at 120 columns."""
    return textwrap.fill(" ".join(words.split()), 120, break_long_words=False, break_on_hyphens=False)


def first(thing: Any) -> str:  # noqa: ANN401 - a class or a function
    """Return the first paragraph of a docstring as one line."""
    return " ".join(inspect.cleandoc(thing.__doc__ or "").split("\n\n")[0].split())


def described(model: type[BaseModel], before: str = "", without: frozenset[str] = frozenset()) -> Iterator[str]:
    """Yield a list entry per field: name, form, whether it is required, meaning; fields of parts with a dotted name."""
    hints = typing.get_type_hints(model, include_extras=True)
    for key, field in model.model_fields.items():
        if key in without:
            continue
        written = f"{before}{field.alias or key}"
        needed = "required" if field.is_required() else _default(field.get_default(call_default_factory=True))
        part = _part(hints[key])
        form = ("list" if part[1] else "mapping") if part else _form(hints[key])
        said = field.description or (first(part[0]) if part else "")
        yield entry(f"`{written}` ({form}; {needed})" + (f": {said}" if said else ""))
        if part:
            yield from described(part[0], f"{written}{'[]' if part[1] else ''}.", without)


def _form(hint: Any) -> str:  # noqa: ANN401 - any annotation
    for known, words in _WORDS:
        if hint == known:
            return words
    arguments = [argument for argument in typing.get_args(hint) if argument is not type(None)]
    metadata = getattr(hint, "__metadata__", ())
    for mark in metadata:
        if isinstance(mark, Reference):
            return f"id of `{mark.kind}`"
        for bound in mark.metadata if isinstance(mark, FieldInfo) else ():
            if pattern := getattr(bound, "pattern", None):
                return f"form `{pattern}`"
    origin = typing.get_origin(hint)
    if origin is Literal:
        return "one of " + ", ".join(f"`{choice}`" for choice in arguments)
    if origin is tuple:
        return f"list of {_form(arguments[0])}"
    if origin is Mapping:
        return "mapping"
    return _form(arguments[0])


def _part(hint: Any) -> tuple[type[BaseModel], bool] | None:  # noqa: ANN401
    """Return the class of the value object that a field holds, and whether it holds a list of them; or None."""
    if isinstance(hint, type) and issubclass(hint, Part):
        return hint, False
    for argument in typing.get_args(hint):
        if (found := _part(argument)) is not None:
            return found[0], found[1] or typing.get_origin(hint) is tuple
    return None


def _default(value: object) -> str:
    if value in (None, (), {}) or isinstance(value, BaseModel):
        return "optional"
    return f"default `{str(value).lower() if isinstance(value, bool) else value}`"
