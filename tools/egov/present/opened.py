"""What a change opens and closes, in words: who may now reach whom, on what, until when, on whose decision."""

from __future__ import annotations

from collections.abc import Iterable

from egov.city import City, Ends
from egov.present.tables import clean
from egov.present.words import name_of, word
from egov.render.opened import Change, passing

_SHOWN = 4


def opened(found: Iterable[Change], before: City, after: City, lang: str) -> str:
    """Return one paragraph per change, closing first."""
    lines = []
    for change in found:
        flow, city = change.flow, after if change.opens else before
        sentence = word("flow", "opens" if change.opens else "closes", lang).format(
            clients=_ends(city, flow.clients, lang),
            servers=_ends(city, flow.servers, lang),
            services=", ".join(dict.fromkeys(service.text for service in change.services)),
            until=flow.until.isoformat(),
            decision=clean(flow.decision or word("flow", "undecided", lang)),
            why=clean(flow.why),
        )
        cells = passing(change)
        more = f" +{len(cells) - _SHOWN}" if len(cells) > _SHOWN else ""
        shown = ", ".join(cells[:_SHOWN]) + more
        lines.append(f"{sentence}\n  {flow.id}" + (f" · {shown}" if shown else ""))
    return "".join(f"{line}\n" for line in lines)


def _ends(city: City, ends: Ends, lang: str) -> str:
    names = [name_of(city, "zones", zone, lang) for zone in ends.zones]
    for prefix in ends.prefixes:
        owner = name_of(city, "departments", city.prefixes[prefix].department, lang)
        names.append(f"{owner} {prefix}")
    for system in ends.systems:
        owner = name_of(city, "departments", city.systems[system].department, lang)
        names.append(f"{owner} {system}")
    for host in (*ends.hosts, *ends.management):
        owner = name_of(city, "departments", city.hosts[host].department, lang)
        names.append(f"{owner} {host}")
    return word("flow", "and", lang).join(names)
