"""Lists of function items against each other: character n-grams, TF-IDF, cosine, items paired one to one, both ways.

Items and not whole texts, because one system may do all of another and ten things more. No segmenter: the pieces of
one and two characters carry the words, and single characters let a word be inserted (失业登记, 失业人员登记).
Deterministic: pieces are numbered by how rare they are, sums run in a fixed order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log, sqrt

from egov.overlap.terms import Terms, terms

Vector = dict[int, float]


@dataclass(frozen=True, slots=True)
class Match:
    """An item, the item of the other list that is nearest to it, how near (0 to 1), and the pieces they share."""

    item: str
    other: str
    score: float
    shared: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cover:
    """How far *other* covers *system*: its items with a match at or above the cut, among those that count."""

    system: str
    other: str
    matched: int
    items: int
    mean: float

    @property
    def share(self) -> float:
        """Covered items / items that count."""
        return self.matched / self.items if self.items else 0.0


class Overlap:
    """Compares the lists of *functions* (owner → items).

    cut: cosine from which two items are taken for one function.
    generic: an item that more owners than this have (users, rights, statistics …) says nothing and does not count.
    names: names of departments and of the city, which are taken out of items.
    """

    def __init__(
        self,
        functions: Mapping[str, Sequence[str]],
        *,
        cut: float,
        generic: int,
        names: Iterable[str] = (),
        using: Terms | None = None,
    ) -> None:
        self.terms = using or terms()
        self.cut = cut
        names = sorted(names, key=lambda name: (-len(name), name))
        plain = {item: self.terms.plain(item, names) for items in functions.values() for item in items}
        owners: dict[str, list[str]] = defaultdict(list)
        for owner in sorted(functions):
            for text in dict.fromkeys(plain[item] for item in functions[owner]):
                owners[text].append(owner)
        self._generic = {text for text, having in owners.items() if len(having) > generic}
        self._texts = sorted(set(owners) - self._generic)
        self._number = {text: n for n, text in enumerate(self._texts)}
        self._owning = [owners[text] for text in self._texts]
        self._plain = plain
        self._functions = functions
        self._vectors, self._pieces = _weighed(self._texts, self._owning, len(functions))
        self._near = _near(self._texts, self._vectors, cut)

    def counting(self, owner: str) -> list[str]:
        """Return the owner's items that count: none twice, none that nearly everybody has."""
        found = {self._plain[item]: item for item in reversed(self._functions[owner])}
        return sorted(item for text, item in found.items() if text not in self._generic)

    def covers(self, owner: str, at_least: float = 0.0) -> list[Cover]:
        """Return how far each other owner covers this one, the furthest first; those below the share left out."""
        numbers = [self._number[self._plain[item]] for item in self.counting(owner)]
        edges = self._edges(numbers)
        del edges[owner]
        enough, many = at_least * len(numbers), len(numbers)
        found = []
        for other, theirs in edges.items():
            if len(theirs) < enough:
                continue
            paired = _paired(theirs)
            if len(paired) >= enough:
                found.append((-len(paired), sum(score for score, _, _ in paired), other))
        return [Cover(owner, other, -n, many, -total / many) for n, total, other in sorted(found)]

    def _edges(self, numbers: Sequence[int]) -> dict[str, list[Edge]]:
        """Return, per owner, which of these texts are near which of its."""
        edges: dict[str, list[Edge]] = defaultdict(list)
        for mine, number in enumerate(numbers):
            for near, score in self._near[number]:
                for other in self._owning[near]:
                    edges[other].append((-score, mine, near))
        return edges

    def cover(self, owner: str, other: str) -> Cover:
        """Return how far *other* covers *owner*."""
        none = Cover(owner, other, 0, len(self.counting(owner)), 0.0)
        return next((cover for cover in self.covers(owner) if cover.other == other), none)

    def similarity(self, one: str, other: str) -> float:
        """Return the mean of the best matches, averaged both ways (0 to 1)."""
        return (self.cover(one, other).mean + self.cover(other, one).mean) / 2

    def matches(self, owner: str, other: str) -> list[Match]:
        """Return which items of *owner* meet which of *other*, the strongest first, with the pieces they share."""
        items = self.counting(owner)
        named = {self._number[self._plain[item]]: item for item in self.counting(other)}
        numbers = [self._number[self._plain[item]] for item in items]
        return [
            Match(items[mine], named[near], -score, self._shared(numbers[mine], near))
            for score, mine, near in _paired(self._edges(numbers)[other])
        ]

    def _shared(self, one: int, other: int) -> tuple[str, ...]:
        a, b = self._vectors[one], self._vectors[other]
        pieces = sorted((piece for piece in a if piece in b), key=lambda piece: (-a[piece] * b[piece], piece))
        words = [self._pieces[piece] for piece in pieces]
        return tuple([word for word in words if len(word) > 1][:3] or words[:3])


Edge = tuple[float, int, int]
"""Score (negative, so that the nearest sorts first), number of the owner's item, number of the other's text."""


def _paired(edges: list[Edge]) -> list[Edge]:
    """Return the edges that pair items one to one, the nearest first: one item of the other stands in for one only."""
    mine: set[int] = set()
    theirs: set[int] = set()
    kept = []
    for edge in sorted(edges):
        if edge[1] not in mine and edge[2] not in theirs:
            mine.add(edge[1])
            theirs.add(edge[2])
            kept.append(edge)
    return kept


_ROUNDING = 1e-9  # of sums of weights, well above what a few additions lose

# A character alone says less than a pair: with 1 : 0.7 labelled pairs are told apart best (tests/overlap).
_SIZES = ((1, 1.0), (2, 0.7))


def _grams(text: str) -> dict[str, float]:
    """Return the pieces of one and two characters with their weights: how often each occurs x what its size weighs."""
    counts: dict[str, float] = defaultdict(float)
    for size, weight in _SIZES:
        for start in range(len(text) - size + 1):
            counts[text[start : start + size]] += weight
    return counts


def _weighed(texts: Sequence[str], owners: Sequence[Sequence[str]], many: int) -> tuple[list[Vector], list[str]]:
    """Return a unit vector per text, and the pieces by number, the rarest first: vectors hold their pieces so too.

    Weight: count x log((1 + owners) / owners whose items hold the piece). By owners and not by items, for what
    everybody does (申请, 审批) with something says nothing of what it is done with.
    """
    counted = [_grams(text) for text in texts]
    holding: dict[str, set[str]] = defaultdict(set)
    for grams, owning in zip(counted, owners, strict=True):
        for gram in grams:
            holding[gram].update(owning)
    having = {gram: len(owning) for gram, owning in holding.items()}
    pieces = sorted(having, key=lambda gram: (having[gram], gram))
    number = {gram: n for n, gram in enumerate(pieces)}
    idf = [log((1 + many) / having[gram]) for gram in pieces]
    vectors = []
    for grams in counted:
        weights = [(n, grams[pieces[n]] * idf[n]) for n in sorted(number[gram] for gram in grams)]
        norm = sqrt(sum(weight * weight for _, weight in weights))
        vectors.append({n: weight / norm for n, weight in weights})
    return vectors, pieces


def _near(texts: Sequence[str], vectors: Sequence[Vector], cut: float) -> list[list[tuple[int, float]]]:
    """Return, per text, the others (and itself) that hold half of the shorter one's characters and are near by *cut*.

    Two vectors whose cosine is at least *cut* share a piece among the first of both, up to where what is left over
    can give less than *cut* with any other: no more than its length, nor than with each piece's greatest weight
    (prefix filtering: Bayardo, Ma, Srikant 2007). Of those only texts that share enough characters are compared:
    items that meet in one word alone (申请) are not one function.
    """
    near: list[list[tuple[int, float]]] = [[(n, 1.0)] for n in range(len(vectors))]
    index: dict[int, list[int]] = defaultdict(list)
    bit = {character: 1 << n for n, character in enumerate(sorted(set("".join(texts))))}
    holds = [sum(bit[character] for character in set(text)) for text in texts]
    half = [(len(set(text)) + 1) // 2 for text in texts]
    greatest: dict[int, float] = defaultdict(float)
    for vector in vectors:
        for piece, weight in vector.items():
            greatest[piece] = max(greatest[piece], weight)
    for n in sorted(range(len(texts)), key=half.__getitem__):  # the shorter first: its half is what must be shared
        vector, mine = vectors[n], holds[n]
        candidates: set[int] = set()
        left, reach = 1.0, sum(weight * greatest[piece] for piece, weight in vector.items())
        for piece, weight in vector.items():
            if left < cut * cut - _ROUNDING or reach < cut - _ROUNDING:
                break
            candidates.update(index[piece])
            index[piece].append(n)
            left -= weight * weight
            reach -= weight * greatest[piece]
        pieces = vector.keys()
        for other in [o for o in candidates if (mine & holds[o]).bit_count() >= half[o]]:
            them = vectors[other]
            score = 0.0
            for piece in pieces & them.keys():
                score += vector[piece] * them[piece]
            if score >= cut:
                near[n].append((other, score))
                near[other].append((n, score))
    return near
