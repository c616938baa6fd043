"""Generated estates of systems with planted truth. Knows how systems live and die, and nothing of how they are judged.

Each system has a way of life that fixes what is true of it, limb by limb; what is recorded of it is that life plus
noise: weekends and holidays, logs with gaps, clocks that are off, scanners, monitors and search engines every day,
backups that run by themselves, and sources that nobody supplied.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from build import AS_OF
from life_build import DAY, Life, moment

from egov.city.model import Matter
from egov.facts import UseClient, UseDay

# A topic is a made-up word of its own: what is alike in part is for the labelled pairs (tests/overlap).
CHARACTERS = [chr(0x4E00 + n) for n in range(6000)]
VERBS = ("申请受理", "现场核查", "资质审批", "台账登记", "费用收缴", "年度检验", "结果公示", "证书打印", "名单推送")
SPRING = (date(2018, 2, 15), date(2018, 2, 21))


@dataclass(frozen=True)
class LifeStyle:
    """A way of life: which of the five limbs hold, and whether it is that of a zombie."""

    name: str
    limbs: str
    zombie: bool = False

    def holds(self, limb: str) -> bool:
        """Say whether a limb (Z1 … Z5) holds."""
        return limb in self.limbs


STYLES = (
    LifeStyle("busy", ""),
    LifeStyle("busy-on-idle-machine", "Z3"),
    LifeStyle("section-tool", "Z3"),
    LifeStyle("once-a-year", "Z3"),
    LifeStyle("serves-others", ""),
    LifeStyle("unmaintained-but-needed", "Z3 Z4"),
    LifeStyle("abandoned", "Z1 Z3 Z4 Z5", zombie=True),
    LifeStyle("replaced", "Z1 Z2 Z3 Z4 Z5", zombie=True),
    LifeStyle("replaced-but-maintained", "Z2 Z3 Z5", zombie=True),
    LifeStyle("forgotten", "Z3 Z4 Z5", zombie=True),
)
LIMBS = {
    "zombie-process": "Z1",
    "zombie-replaceable": "Z2",
    "zombie-idle": "Z3",
    "zombie-unmaintained": "Z4",
    "zombie-narrow": "Z5",
}


@dataclass
class Estate:
    """A city with its evidence, the truth per system, and which sources were withheld."""

    build: Life
    truth: dict[str, LifeStyle] = field(default_factory=dict)
    withheld: dict[str, set[str]] = field(default_factory=dict)


def estate(seed: int, systems: int) -> Estate:
    """Return an estate of so many systems; each way of life occurs."""
    random = Random(seed)  # noqa: S311 - an experiment that must be repeatable
    made = Estate(Life())
    for n in range(systems):
        style = STYLES[n % len(STYLES)]
        name = f"s{n:03}"
        made.truth[name] = style
        sources = ("logs", "process", "functions", "resources", "signs")
        made.withheld[name] = {source for source in sources if random.random() < 0.06}
        _live(made, name, style, "".join(random.sample(CHARACTERS, 4)), random)
    return made


def _live(made: Estate, name: str, style: LifeStyle, topic: str, random: Random) -> None:
    build, gone = made.build, made.withheld[name]
    functions = [topic + verb for verb in random.sample(VERBS, random.randint(4, 6))]
    seldom = style.name == "once-a-year"
    build.runs(
        name,
        f"h-{name}",
        functions=None if "functions" in gone else tuple(functions),
        matters=(Matter(code=f"{name}-1", name=topic),),
        frequency="yearly" if seldom else None,
        scope="section" if style.name == "section-tool" else "city",
    )
    if style.holds("Z2"):
        renamed = [item.replace("审批", "审核").replace("现场", "").replace("受理", "") for item in functions]
        build.system(f"{name}-new", functions=(*renamed, topic + "统计分析", topic + "大屏"), scope="public")
    if "logs" not in gone:
        _logs(build, name, style, random)
    if "process" not in gone:
        _process(build, name, style, random)
    if "signs" not in gone:
        _signs(build, name, style, random)
    if "resources" not in gone:
        _resources(build, name, style, random)


def working(day: date) -> bool:
    """Say whether offices work on that day: no weekend, no Spring Festival."""
    return day.weekday() < 5 and not SPRING[0] <= day <= SPRING[1]


def _past(days: int) -> Iterator[date]:
    yield from (AS_OF - n * DAY for n in range(days - 1, -1, -1))


def _people(style: LifeStyle, random: Random) -> tuple[list[date], int]:
    """Return the days on which people use the system over 420 days, and from how many addresses."""
    office = [day for day in _past(420) if working(day)]
    if style.name in {"busy", "busy-on-idle-machine", "unmaintained-but-needed"}:
        return [day for day in office if random.random() < random.uniform(0.6, 1)], random.randint(8, 80)
    if style.name == "section-tool":
        return [day for day in office if random.random() < 0.45], random.randint(1, 3)
    if style.name == "once-a-year":
        start = random.randint(20, 360)
        return [AS_OF - (start + n) * DAY for n in range(12)], random.randint(60, 300)
    if style.name == "serves-others":
        return [day for day in office if random.random() < 0.02], 1
    return [day for day in office if random.random() < random.choice((0.0, 0.01, 0.04))], random.randint(1, 3)


def _logs(build: Life, name: str, style: LifeStyle, random: Random) -> None:
    """Record use, machines that look in every day, and the log files with gaps and a clock that may be off."""
    offset = timedelta(hours=random.choice((0, 0, 0, 8, -8)))
    people, clients = _people(style, random)
    gap = random.choice((0, 0, 0, 2, 5))
    hole = AS_OF - random.randint(20, 150) * DAY
    lost = {hole + n * DAY for n in range(gap)}
    build.used(name, [day for day in people if day not in lost], clients=clients)
    for agent, often in (("scanner", 0.3), ("monitor", 1.0), ("search_bot", 0.2)):
        _machines(build, name, agent, [day for day in _past(420) if random.random() < often and day not in lost])
    if style.name == "serves-others":
        _machines(build, name, "script", [day for day in _past(420) if day not in lost])
    begin, end = AS_OF - 420 * DAY, AS_OF
    spans = [(begin, hole - DAY), (hole + gap * DAY, end)] if gap else [(begin, end)]
    for first, last in spans:
        build.log(name, first, last, random.choice((0, 0, 3)), offset)


def _machines(build: Life, name: str, agent: str, days: list[date]) -> None:
    for day in days:
        spans = {"first_at": moment(day), "last_at": moment(day, 8), "observed_at": moment(day, 9)}
        given = {"requests": 500, "clients": 1, "collected_at": moment(day, 9), "source": "log", **spans}
        build.rows.append(UseDay(system=name, day=day, agent_class=agent, **given))
    if days:
        ends = {"first_at": moment(days[0]), "last_at": moment(days[-1]), "observed_at": moment(days[-1])}
        given = {"client": "10.8.8.8", "requests": 9, "days": len(days), "collected_at": moment(days[-1]), **ends}
        build.rows.append(UseClient(system=name, agent_class=agent, source="log", **given))


def _process(build: Life, name: str, style: LifeStyle, random: Random) -> None:
    """Record transactions month by month."""
    people, _ = _people(style, random)
    for n in range(14):
        first, last = AS_OF - (30 * n + 29) * DAY, AS_OF - 30 * n * DAY
        done = 0 if style.holds("Z1") else random.randint(0, 3) if style.zombie else random.randint(1, 500)
        if style.name == "once-a-year":
            done = sum(first <= day <= last for day in people)
        build.did(name, f"{name}-1", done, first, last)


def _signs(build: Life, name: str, style: LifeStyle, random: Random) -> None:
    old, new = AS_OF - random.randint(500, 1500) * DAY, AS_OF - random.randint(5, 300) * DAY
    for sign in ("release", "administrator-login", "work-order"):
        found = random.choice((None, old)) if style.holds("Z4") else random.choice((new, new, old))
        build.maintained(name, sign, found, AS_OF - 2000 * DAY, AS_OF - random.randint(1, 60) * DAY)
    if not style.holds("Z4"):
        build.maintained(name, "administrator-login", new, AS_OF - 2000 * DAY, AS_OF)
    build.maintained(name, "backup", AS_OF - DAY, AS_OF - 2000 * DAY, AS_OF)


def _resources(build: Life, name: str, style: LifeStyle, random: Random) -> None:
    """Record the host: idle ones have a nightly backup and a spike now and then, busy ones quiet weekends."""
    for day in _past(200):
        if random.random() < 0.02:
            continue
        busy = random.random() < 0.02 if style.holds("Z3") else working(day) or random.random() < 0.1
        cpu, network = (random.uniform(0.1, 0.9), 10 ** random.uniform(8, 10)) if busy else (0.012, 4e6)
        build.measured(f"h-{name}", [day], cpu, network)
