"""`egov render STACK`: what is asked wrongly is said; a folder of objects is kept as it should be, and no more."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from egov.cli.common import write_folder
from egov.errors import UsageError

ROOT = Path(__file__).parents[2]
CITY = ROOT / "inventory" / "huludao"
Egov = Callable[..., Any]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("render", "datacentre"), "no stack or rendered thing datacentre; did you mean datacenter?"),
        (("render", "extranet", "fw1"), "a stack has no host fw1; it is rendered whole"),
        (
            ("render", "extranet", "--env", "prod"),
            "stack extranet is not configured for prod; there are lab, production",
        ),
    ],
    ids=["name", "host", "environment"],
)
def test_what_cannot_be_rendered_is_said(egov: Egov, words: tuple[str, ...], message: str) -> None:
    """Exit 2, nothing on stdout, the nearest name or what there is."""
    result = egov(*words, "--city", CITY)

    assert (2, "", f"egov: {message}\n") == (result.exit_code, result.stdout, result.stderr)


def index(*names: str) -> str:
    """Return an index that names files."""
    return json.dumps({"objects": [{"file": name} for name in names]})


def test_what_is_declared_no_more_is_taken_away(tmp_path: Path) -> None:
    """Files of an earlier run that nobody writes now go; what others put there stays."""
    write_folder(tmp_path, {"a/one.yaml": "1", "a/two.yaml": "2", "objects.json": index("a/one.yaml", "a/two.yaml")})
    (tmp_path / "a" / "mine.yaml").write_text("3", encoding="utf-8")
    write_folder(tmp_path, {"a/two.yaml": "2", "objects.json": index("a/two.yaml")}, "objects.json")

    assert ["a/mine.yaml", "a/two.yaml", "objects.json"] == sorted(
        path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (index("../outside.yaml"), "which is not below it"),
        ("[]", "is not an index that egov wrote"),
        ("{", "is not an"),
    ],
    ids=["leads out", "other form", "no JSON"],
)
def test_an_index_that_cannot_be_trusted_takes_nothing_away(tmp_path: Path, text: str, said: str) -> None:
    """An index is read like any file from outside: it deletes nothing beyond its folder."""
    folder, outside = tmp_path / "objects", tmp_path / "outside.yaml"
    folder.mkdir()
    outside.write_text("keep", encoding="utf-8")
    (folder / "objects.json").write_text(text, encoding="utf-8")

    with pytest.raises(UsageError, match=said):
        write_folder(folder, {"objects.json": index()}, "objects.json")

    assert "keep" == outside.read_text(encoding="utf-8")
