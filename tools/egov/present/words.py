"""Words and sentences in two languages, from data."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from egov.checks import Finding, checks
from egov.city import City
from egov.city.source import read
from egov.errors import DescriptionError, EgovError
from egov.mandate import Mandate
from egov.present.tables import clean

Texts = dict[str, Any]

_EXTRA: list[Path] = []


def add(path: Path) -> None:
    """Add a file of texts for checks that live outside this package."""
    _EXTRA.append(path)
    _texts.cache_clear()


@cache
def _texts() -> Texts:
    found: Texts = {}
    for path in [*sorted((Path(__file__).parent / "texts").glob("*.yml")), *_EXTRA]:
        document = read(path)
        if document.problems:
            raise DescriptionError(document.problems)
        for key, entry in document.data.items():
            found[key] = {**found.get(key, {}), **entry}
    return found


def word(group: str, key: str, lang: str) -> str:
    """Return a shared word; the key itself where it has none."""
    entry = _texts().get(group, {}).get(key)
    return str(entry[lang]) if entry else key


def title(check: str, lang: str) -> str:
    """Return a check's title."""
    return str(_texts().get(check, {}).get("title", {}).get(lang, check))


def how(check: str, lang: str) -> str:
    """Return how a check judges; the first paragraph of its docstring where no text says it."""
    entry = _texts()["how"].get(check)
    return str(entry[lang]) if entry else inspect.cleandoc(checks()[check].function.__doc__ or "").partition("\n\n")[0]


def template(check: str, outcome: str, lang: str) -> str:
    """Return the sentence of (check, outcome, language); EgovError if nobody wrote one."""
    try:
        return str(_texts()[check][outcome][lang])
    except KeyError:
        message = f"no text for check {check}, outcome {outcome}, language {lang}; add it under present/texts/"
        raise EgovError(message) from None


def sentence(finding: Finding, city: City, lang: str) -> str:
    """Return what was found, as one sentence."""
    subject = name_of(city, finding.subject.kind, finding.subject.id, lang)
    if finding.verdict == "undetermined":
        return word("say", "undetermined", lang).format(subject=subject, missing=missing(finding, lang))
    values = {key: shown(_named(key, value, city, lang), lang) for key, value in finding.facts.items()}
    text = template(finding.check, finding.outcome, lang).format_map({**values, "subject": subject})
    if finding.verdict == "exempt":
        return word("say", "exempt", lang).format(text=text, **{k: values[k] for k in ("decision", "expires_on")})
    return text


# Facts that hold ids, and the kinds they may be of: a sentence gives names.
_IDS = {
    "room": ("rooms",),
    "which": ("rooms",),
    "neighbours": ("rooms",),
    "systems": ("systems",),
    "by": ("systems",),
    "stays": ("systems",),
    "only_declared": ("systems",),
    "departments": ("departments",),
    "elsewhere": ("departments",),
}


def _named(key: str, value: Any, city: City, lang: str) -> Any:  # noqa: ANN401 - as `shown`
    """Return ids in a fact as names where the fact is known to hold ids."""
    if isinstance(value, list | tuple):
        return [_named(key, entry, city, lang) for entry in value]
    for kind in _IDS.get(key, ()):
        if value in getattr(city, kind):
            return name_of(city, kind, str(value), lang)
    return value


def remedy(finding: Finding, lang: str) -> str:
    """Return what to do about it; empty where nothing is."""
    if finding.verdict == "undetermined":
        return word("say", "supply", lang).format(missing=missing(finding, lang))
    if finding.verdict != "violation":
        return ""
    return str(_texts().get(finding.check, {}).get("remedy", {}).get(finding.outcome, {}).get(lang, ""))


def missing(finding: Finding, lang: str) -> str:
    """Return what is missing, in words."""
    return _joined([_missing(name, lang) for name in finding.missing], lang)


def _missing(name: str, lang: str) -> str:
    known = word("missing", name, lang)
    table, _, field = name.partition(".")
    if known == name and field:
        return f"{word('missing', table, lang)}({word('value', field, lang)})"
    return known


def shown(value: Any, lang: str) -> str:  # noqa: ANN401 - facts hold numbers, texts, days, lists and maps
    """Return a fact for a sentence: lists joined, known words translated, the rest cleaned."""
    if value is None or value in ([], (), {}):
        return word("say", "none", lang)
    if isinstance(value, Mapping):
        return _joined([f"{shown(k, lang)} {shown(v, lang)}" for k, v in value.items()], lang)
    if isinstance(value, list | tuple):
        return _joined([shown(entry, lang) for entry in value], lang)
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, date):
        return value.isoformat()
    return word("value", clean(str(value)), lang)


def _joined(parts: list[str], lang: str) -> str:
    return ("、" if lang == "zh" else ", ").join(parts)


def name_of(city: City, kind: str, item_id: str, lang: str) -> str:
    """Return a described thing's name in the language asked for, its id where it has none."""
    if kind == "city":
        return city.profile.name_zh if lang == "zh" else city.profile.name_en
    item = getattr(city, kind).get(item_id)
    name = getattr(item, "name_zh", None) if lang == "zh" else getattr(item, "name_en", None)
    if name is None and (model := getattr(item, "model", None)):
        name = f"{model}（{item_id}）" if lang == "zh" else f"{model} ({item_id})"
    return clean(name or item_id)


def clause(mandate: Mandate, duty: str) -> str:
    """Return the clause that a duty comes from."""
    return mandate.duties[duty].clause
