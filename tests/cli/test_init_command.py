"""`egov init`: a new city starts from a small, commented, valid description with the plan's mandate."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from town import MANDATE_FROM, ROOT, founded

from egov.city import load
from egov.mandate import mandate

Egov = Callable[..., Any]


@pytest.fixture
def city(tmp_path: Path, egov: Egov) -> Path:
    """Return the folder of a new city."""
    return founded(tmp_path, egov)


def test_is_valid_from_the_start(city: Path, egov: Egov) -> None:
    """`egov validate` passes, and the commands a person tries next work."""
    validated = egov("validate", city)
    shown = egov("show", "rooms", "--city", city, "--lang", "en")
    audited = egov("audit", "--city", city)
    rendered = egov("render", "ansible", "--city", city)

    assert (0, "") == (validated.exit_code, validated.stderr)
    assert validated.stdout.startswith("mycity: valid; 2 departments, 2 sites, 2 rooms, ")
    assert (0, True) == (shown.exit_code, "room-finance" in shown.stdout)
    assert audited.exit_code in {1, 3}
    assert "Traceback" not in audited.stderr
    assert rendered.exit_code == 0


def test_has_the_plans_duties(city: Path) -> None:
    """Every duty of the plan is there to adapt, word for word."""
    assert mandate(ROOT / "inventory" / "huludao").duties == mandate(city).duties


def test_shows_every_kind_with_comments(city: Path) -> None:
    """One example of each kind that a city cannot do without, and comments that say what is to be replaced."""
    text = (city / "city.yml").read_text(encoding="utf-8")
    described = load(city)

    assert ("mycity", "Mycity") == (described.profile.id, described.profile.name_en)
    assert all(
        getattr(described, kind)
        for kind in (
            "departments",
            "sites",
            "rooms",
            "racks",
            "devices",
            "zones",
            "vrfs",
            "prefixes",
            "hosts",
            "systems",
        )
    )
    assert text.startswith("# ")
    assert text.count("#") >= 10
    assert yaml.safe_load(text)["city"]["id"] == "mycity"


def test_overwrites_nothing(city: Path, egov: Egov) -> None:
    """A city that exists is left as it is: exit 4."""
    before = {path: path.read_bytes() for path in sorted(city.rglob("*")) if path.is_file()}

    result = egov("init", "mycity", "--city", city, *MANDATE_FROM)

    assert (4, "") == (result.exit_code, result.stdout)
    assert "exists; nothing was written" in result.stderr
    assert before == {path: path.read_bytes() for path in sorted(city.rglob("*")) if path.is_file()}
    assert ["mycity"] == [path.name for path in city.parent.iterdir()]


@pytest.mark.parametrize("name", ["My City", "mycity/x", "../x", "葫芦岛", "a--b", ""])
def test_a_name_that_is_no_id_is_refused(tmp_path: Path, egov: Egov, name: str) -> None:
    """A city's id is a slug: anything else is exit 2 and leaves nothing behind."""
    (tmp_path / "inventory").mkdir()

    result = egov("init", name, "--city", tmp_path / "inventory" / "x")

    assert (2, "") == (result.exit_code, result.stdout)
    assert "a city's id is lower-case letters, digits and hyphens" in result.stderr
    assert [] == list((tmp_path / "inventory").iterdir())
