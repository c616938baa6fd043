"""JSON Schemas from the model, for editors and for scripts that read findings. `make schema` writes them to schema/.

`python -m egov.present.schema FOLDER` writes; a test compares what is committed with what the model says.
"""

from __future__ import annotations

import json
import sys
import typing
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter

from egov.cases.model import CaseHead, Event
from egov.city.load import kinds
from egov.city.model import Profile
from egov.collect.mapping import Column, Head
from egov.facts.signing import Signer
from egov.mandate import Mandate
from egov.render.ansible import AsFound

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_TEXT = {"type": "string"}
_MAYBE_TEXT = {"type": ["string", "null"]}


def schemas() -> dict[str, dict[str, Any]]:
    """Return every schema by file name."""
    hints = typing.get_type_hints(Mandate)
    law = {f.name: typing.get_args(hints[f.name])[1] for f in fields(Mandate) if f.name != "read"}
    return {
        "city.schema.json": _file("A city's description", kinds(), {"city": Profile}),
        "mandate.schema.json": _file("A city's mandate", law, {}),
        "case.schema.json": _file("A case", {"events": Event}, {"case": CaseHead}),
        "signers.schema.json": _file("Who may sign", {"signers": Signer}, {}),
        "sheet.schema.json": _file("What the columns of a sheet mean", {"columns": Column}, {"sheet": Head}),
        "as-found.schema.json": _file("What stands on the lab's hosts", {"as_found": AsFound}, {}),
        "finding.schema.json": finding(),
    }


def _file(title: str, lists: Mapping[str, type[BaseModel]], sections: Mapping[str, type[BaseModel]]) -> dict[str, Any]:
    """Return the schema of a file that holds lists of kinds and single sections, any of them."""
    definitions: dict[str, Any] = {}
    properties: dict[str, Any] = {}
    for name, model in {**lists, **sections}.items():
        schema = TypeAdapter(model).json_schema(ref_template="#/$defs/{model}")
        definitions |= schema.pop("$defs", {})
        definitions[model.__name__] = schema
        reference = {"$ref": f"#/$defs/{model.__name__}"}
        properties[name] = {"type": "array", "items": reference} if name in lists else reference
    return {
        "$schema": _DRAFT,
        "title": title,
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "$defs": dict(sorted(definitions.items())),
    }


def finding() -> dict[str, Any]:
    """Return the schema of one finding, as `egov audit --format json` lists them."""
    cite = ("table", "run", "row", "sha256", "observed_at", "collected_at", "source")
    subject = {"kind": _TEXT, "id": _TEXT, "department": _MAYBE_TEXT}
    properties = {
        "duty": _TEXT,
        "check": _TEXT,
        "subject": _object(subject),
        "verdict": {"enum": ["violation", "pass", "undetermined", "exempt"]},
        "outcome": _TEXT,
        "facts": {"type": "object"},
        "cites": {"type": "array", "items": _object({n: {"type": "integer"} if n == "row" else _TEXT for n in cite})},
        "missing": {"type": "array", "items": _TEXT},
        "due": {"type": ["string", "null"], "format": "date"},
        "case": _MAYBE_TEXT,
        "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    }
    return {"$schema": _DRAFT, "title": "Finding", **_object(properties)}


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": dict(properties),
    }


def text(schema: Mapping[str, Any]) -> str:
    """Return a schema as it is committed."""
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in schemas().items():
        (folder / name).write_text(text(schema), encoding="utf-8")
