"""Function items as they are compared: without what says nothing, with one word for what means the same."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from egov.city.source import read
from egov.errors import DescriptionError

_SPLIT = re.compile(r"[、，,；;。\n]+")
_ASIDE = re.compile(r"[（(][^（）()]*[）)]")
_NOT_WORD = re.compile(r"\W+")


@dataclass(frozen=True, slots=True)
class Terms:
    """The stop list and the groups of synonyms, with the version that findings print."""

    version: str
    _pattern: re.Pattern[str]
    _read_as: dict[str, str]

    @classmethod
    def of(cls, version: str, stop: Iterable[str], same: Iterable[Iterable[str]]) -> Terms:
        """Return terms: *stop* words vanish, each word of a group in *same* is read as the group's first."""
        read_as = dict.fromkeys(stop, "")
        for group in same:
            first, *others = group
            read_as |= dict.fromkeys((first, *others), first)
        longest_first = sorted(read_as, key=lambda word: (-len(word), word))
        return cls(version, re.compile("|".join(map(re.escape, longest_first)) or r"(?!)"), read_as)

    def plain(self, item: str, names: Iterable[str] = ()) -> str:
        """Return an item as it is compared. *names* (of departments and of the city) say nothing of a function."""
        text = unicodedata.normalize("NFKC", item).casefold()
        for name in names:
            text = text.replace(name, "")
        text = _NOT_WORD.sub("", _ASIDE.sub("", text))
        return self._pattern.sub(lambda found: self._read_as[found[0]], text) or text


@cache
def terms() -> Terms:
    """Return the terms that come with the package (`terms.yml`)."""
    document = read(Path(__file__).with_name("terms.yml"))
    if document.problems:
        raise DescriptionError(document.problems)
    data = document.data
    return Terms.of(str(data["version"]), data["stop"], data["same"])


def items_of(text: str) -> list[str]:
    """Return a sentence of functions (功能) as items: what stands between its marks, remarks in brackets left out."""
    return [item.strip() for item in _SPLIT.split(_ASIDE.sub("", text)) if item.strip()]
