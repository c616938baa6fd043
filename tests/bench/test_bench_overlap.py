"""The functions of 3,000 systems against each other, beside scikit-learn's TF-IDF and cosine on the same items.

The peer is no dependency: a Python that has it is named by EGOV_BENCH_SKLEARN. It finds the pairs of items that are
near; ours pairs them one to one as well, and says how far every system covers every other.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import function_lists
import pytest
from measure import Bar, cost, least, report

from egov.overlap import Overlap

pytestmark = pytest.mark.bench
SYSTEMS = 3000
PEER = os.environ.get("EGOV_BENCH_SKLEARN", sys.executable)
OURS = """
import json, sys
from egov.overlap import Overlap
lists = json.load(open(sys.argv[1]))
compared = Overlap(lists, cut=0.3, generic=10)
print(sum(len(compared.covers(owner, 0.2)) for owner in lists))
"""
THEIRS = """
import json, sys
from sklearn.feature_extraction.text import TfidfVectorizer
items = sorted({item for items in json.load(open(sys.argv[1])).values() for item in items})
vectors = TfidfVectorizer(analyzer="char", ngram_range=(1, 2)).fit_transform(items)
near = 0
for start in range(0, len(items), 500):
    near += ((vectors[start:start + 500] @ vectors.T) >= 0.3).nnz
print(near)
"""


def test_three_thousand_systems(tmp_path: Path) -> None:
    """Every system against every other, start of Python included."""
    if subprocess.run([PEER, "-c", "import sklearn"], capture_output=True, check=False).returncode:
        pytest.skip("needs scikit-learn, the peer: name a Python that has it with EGOV_BENCH_SKLEARN")
    lists = tmp_path / "lists.json"
    lists.write_text(json.dumps(function_lists.lists(SYSTEMS)), encoding="utf-8")
    peer, ours = least(
        3,
        lambda: cost([PEER, "-c", THEIRS, str(lists)], {"OPENBLAS_NUM_THREADS": "1"}),
        lambda: cost([sys.executable, "-c", OURS, str(lists)], {}),
    )

    report(
        f"{SYSTEMS:,} systems against each other",
        {"scikit-learn, pairs of items only": peer, "egov.overlap": ours},
        [Bar("all systems, CPU", ours.cpu_s, "s", 3)],
    )


def test_the_generator_plants_what_it_says() -> None:
    """One system in ten does nearly all that an earlier one does; the same lists for the same seed."""
    lists = function_lists.lists(300)
    compared = Overlap(lists, cut=0.3, generic=10)
    covered = sum(bool(compared.covers(owner, 0.95)) for owner in lists)

    assert lists == function_lists.lists(300)
    assert 300 * 0.1 < covered < 300 * 0.3
