"""The words of findings: there for every outcome a check can name, in both languages, and none for what none names."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from build import AS_OF, Build
from cloud_build import cloud_cases
from continuity_build import continuity_cases
from life_build import life_cases
from network_build import network_cases
from outcomes import outcomes
from reports import provenance, report_of
from sample import CITY

from egov.checks import audit, checks
from egov.city import load
from egov.errors import EgovError
from egov.facts import Facts
from egov.facts.tables import tables
from egov.mandate import mandate
from egov.present import words
from egov.present.rows import Report, finding_row

LANGS = ("zh", "en")
BUILT = [*network_cases(), *life_cases(), *continuity_cases(), *cloud_cases()]
IN_BUILT = {check for check, _, _ in BUILT}
NO_OUTCOMES = {"title", "remedy"}
HAN = re.compile(r"[\u4e00-\u9fff，。；：、（）]")


def leaves(entry: dict[str, Any], at: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield (place, language, text) of everything below an entry."""
    for key, value in entry.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{at}.{key}")
        else:
            yield at, key, value


@pytest.mark.parametrize("check", checks())
def test_every_outcome_has_its_sentence(check: str) -> None:
    """Each outcome the check's code can name has a sentence, and no sentence is left of an outcome that went away."""
    assert outcomes(check) == words._texts()[check].keys() - NO_OUTCOMES


def test_every_text_is_in_both_languages() -> None:
    """Each text has Chinese and English; the Chinese has Chinese characters, the English has none."""
    texts = list(leaves(words._texts()))
    by_place: dict[str, set[str]] = {}
    for place, lang, _ in texts:
        by_place.setdefault(place, set()).add(lang)

    assert {place: langs for place, langs in by_place.items() if langs != set(LANGS)} == {}
    assert [place for place, lang, text in texts if lang == "en" and HAN.search(text)] == []
    assert [place for place, lang, text in texts if lang == "zh" and not HAN.search(text)] == []


@pytest.mark.parametrize("check", checks())
def test_both_languages_say_the_same_things(check: str) -> None:
    """A sentence names the same facts in Chinese and English: no reader learns less."""
    for outcome, entry in words._texts()[check].items():
        if outcome not in NO_OUTCOMES:
            named = [{field for _, field, _, _ in string.Formatter().parse(entry[lang]) if field} for lang in LANGS]

            assert named[0] == named[1], outcome


@pytest.mark.parametrize("check", checks())
def test_every_check_says_how_it_judges(check: str) -> None:
    """The method sheet has a method for each check, and remedies only for outcomes there are."""
    entry = words._texts()[check]

    assert {words.how(check, lang) for lang in LANGS} == set(words._texts()["how"][check].values())
    assert set(entry.get("remedy", {})) <= outcomes(check)


def shared() -> Build:
    """Return a rightly shared room of 45 m², for the two outcomes that the plan's own parameters never give."""
    build = Build()
    build.room("r1", "a", "b", merged_on=AS_OF)
    build.survey("r1", 45.0)
    return build


@pytest.mark.parametrize("lang", LANGS)
def test_every_outcome_can_be_said(evidence: Path, lang: str) -> None:
    """Sentences find the facts they name: every outcome of every check is said, with a remedy if it is a concern."""
    city, law = load(CITY), mandate(CITY)
    said = set()
    for day in ("2018-12-31", "2026-11-26"):
        found = audit(Facts.of_store(city, AS_OF.fromisoformat(day), evidence), law)
        whole = Report(found, city, law, provenance())
        for finding in found.findings:
            row = finding_row(finding, whole, lang)
            said.add((finding.check, finding.outcome))

            assert "{" not in row["text"]
            assert bool(row["remedy"]) == (finding.verdict in {"violation", "undetermined"}), finding.outcome
    for cap in (40.0, 50.0):
        report = report_of(shared(), "room-area-shared", max_area_m2=cap)
        (finding,) = report.audit.findings
        said.add((finding.check, finding.outcome))

        assert bool(finding_row(finding, report, lang)["remedy"]) == (cap == 40.0)

    known = {(check, outcome) for check in checks() for outcome in outcomes(check) if check not in IN_BUILT}
    assert known == {pair for pair in said if pair[1] != "undetermined" and pair[0] not in IN_BUILT}


@pytest.mark.parametrize("lang", LANGS)
def test_every_outcome_of_built_cities_can_be_said(lang: str) -> None:
    """The same for what sheets do not show: the network, whether systems live, backups and drills."""
    said = set()
    for check, parameters, build in BUILT:
        report = report_of(build, check, **parameters)
        for finding in report.audit.findings:
            row = finding_row(finding, report, lang)
            said.add((finding.check, finding.outcome))

            assert "{" not in row["text"]
            assert bool(row["remedy"]) == (finding.verdict in {"violation", "undetermined"}), finding.outcome

    known = {(check, outcome) for check in IN_BUILT for outcome in outcomes(check)}
    assert known == {pair for pair in said if pair[1] != "undetermined"}


def test_an_outcome_without_a_sentence_is_named() -> None:
    """Where a sentence is missing the message says which, and where to write it."""
    with pytest.raises(EgovError, match="no text for check room-area, outcome too-small, language zh; add it under"):
        words.template("room-area", "too-small", "zh")


def test_every_table_a_check_may_lack_has_a_name(evidence: Path) -> None:
    """What is missing is said in words, never as the name of a class."""
    found = audit(Facts.of_store(load(CITY), AS_OF, evidence), mandate(CITY)).findings
    missing = {words.missing(finding, lang) for finding in found for lang in LANGS if finding.missing}

    assert missing
    assert [text for text in missing if any(name in text for name in tables())] == []
