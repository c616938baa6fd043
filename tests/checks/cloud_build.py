"""A department in the cloud, what judges said of its objects, and one case of each outcome."""

from __future__ import annotations

from typing import Any

from build import Build, at

from egov.city import Workload
from egov.facts import StackVerdict

JUDGES = {"judges": ("schema", "capacity")}
IMAGE = "registry.example/app:1.0@sha256:" + 64 * "a"


def in_the_cloud(build: Build) -> None:
    """Add a system of department `a` that the cloud runs."""
    build.system("s1", placement="cloud", workload=Workload(protection="basic", image=IMAGE, replicas=1))


def said(build: Build, judge: str, **fields: Any) -> None:  # noqa: ANN401 - fields of the row
    """Add what a judge said of the department's three objects: nothing, unless told otherwise."""
    given = {"department": "a", "environment": "production", "cluster": "datacenter", "judge": judge, "objects": 3}
    build.rows.append(StackVerdict(**{**given, "concerns": 0, "not_judged": 0, **fields}, **at()))


def judged(*rows: dict[str, Any]) -> Build:
    """Return the department with these rows."""
    build = Build()
    in_the_cloud(build)
    for row in rows:
        said(build, **row)
    return build


def against(build: Build) -> None:
    """Add the department with a concern of one judge."""
    made = judged({"judge": "schema"}, {"judge": "capacity", "concerns": 1, "text": "quota"})
    build.kinds, build.rows = made.kinds, made.rows


def cloud_cases() -> list[tuple[str, dict[str, Any], Build]]:
    """Return check, parameters and a built case for each outcome."""
    concern = Build()
    against(concern)
    return [
        ("cloud-objects", JUDGES, judged({"judge": "schema"}, {"judge": "capacity"})),
        ("cloud-objects", JUDGES, concern),
    ]
