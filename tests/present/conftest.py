"""The sample city's evidence, collected once for all tests of this folder, and its audit in every form."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sample import ARGUMENTS, evidence_of

from egov.facts.seal import seal


@pytest.fixture(scope="session")
def evidence(tmp_path_factory: pytest.TempPathFactory, signing_key: Callable[[str], Path]) -> Path:
    """Return a sealed store of the sample's evidence; no test changes it."""
    store = evidence_of(tmp_path_factory.mktemp("sample"))
    seal(store, signing_key("operator"))
    return store


@pytest.fixture(scope="session")
def audited(
    evidence: Path, egov: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, str], bytes]:
    """Return a function from (form, language) to the whole audit as `egov audit` writes it, with exit code 1."""
    folder = tmp_path_factory.mktemp("audits")

    @cache
    def made(form: str, lang: str) -> bytes:
        file = folder / f"audit.{lang}.{form}"
        words = ("audit", *ARGUMENTS, "--evidence", evidence, "--format", form, "--lang", lang, "--output", file)

        assert egov(*words).exit_code == 1

        return file.read_bytes()

    return made


@pytest.fixture(autouse=True)
def _columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give every test a terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
