"""200 labelled pairs of function lists (labelled.tsv): 50 the same in other words, 50 in part, 100 different.

Written for these tests, not taken from anybody's register: each line has a list, the same in other words, and one that
shares a single item. Neighbouring lines are of one field of government, so that different pairs are not easy ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from egov.overlap import items_of

ROWS = [
    line.split("\t") for line in Path(__file__).with_name("labelled.tsv").read_text(encoding="utf-8").splitlines()[1:]
]
LISTS = {
    f"{kind}{n}": items_of(text)
    for n, row in enumerate(ROWS)
    for kind, text in zip(("one", "same", "part"), row, strict=True)
}
Pair = tuple[int, str, str, str]


def pairs() -> Iterator[Pair]:
    """Yield (line, label, one list, the other)."""
    for n in range(len(ROWS)):
        after = (n + 1) % len(ROWS)
        yield n, "same", f"one{n}", f"same{n}"
        yield n, "part", f"one{n}", f"part{n}"
        yield n, "different", f"one{n}", f"one{after}"
        yield n, "different", f"same{n}", f"part{after}"
