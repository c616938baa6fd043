"""The example of a check in docs/mandate.md works as it stands: one function, one entry, one text."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from build import AS_OF, Build, binding, duty, law
from pages import ROOT, blocks

from egov.checks import audit, checks, registry
from egov.present import words

PAGE = ROOT / "docs" / "mandate.md"
CHECK = "room-survey-age"


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Add the page's function and text as its reader would; all is as before afterwards."""
    checks()  # finds the package's own before the list is replaced
    monkeypatch.setattr(registry, "_CHECKS", dict(registry._CHECKS))
    monkeypatch.setattr(words, "_EXTRA", list(words._EXTRA))
    function = next(code for language, code in blocks(PAGE) if language == "python")
    text = next(code for language, code in blocks(PAGE) if language == "yaml" and code.startswith(f"{CHECK}:"))
    (tmp_path / "text.yml").write_text(text, encoding="utf-8")
    exec(compile(function, str(PAGE), "exec"), {"__name__": "example"})  # noqa: S102 - the page's own code
    words.add(tmp_path / "text.yml")


@pytest.mark.parametrize(
    ("age_days", "outcome", "said"),
    [
        pytest.param(365, "recent", "r1 was measured 365 days ago", id="on the last day"),
        pytest.param(366, "outdated", "r1 was measured 366 days ago, over 365", id="a day later"),
        pytest.param(None, "undetermined", "r1 cannot be judged; missing: a survey of the room", id="never measured"),
    ],
)
@pytest.mark.usefixtures("added")
def test_the_example_judges_and_has_words(age_days: int | None, outcome: str, said: str) -> None:
    """Bound by a duty, the example's check passes, finds and leaves open, each with its sentence."""
    build = Build()
    build.room("r1")
    if age_days is not None:
        build.survey("r1", 18.0, day=AS_OF - timedelta(days=age_days))

    findings = audit(build.facts(), law(duty("R20", binding(CHECK, max_age_days=365)))).findings

    assert [outcome] == [finding.outcome for finding in findings]
    assert said == words.sentence(findings[0], build.city(), "en")
