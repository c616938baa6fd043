"""`egov show`: a kind, a described object, a duty."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from egov.cli.common import Common, common, environment_option

if TYPE_CHECKING:
    from egov.capture.manifests import Object


@click.command("show")
@click.argument("what", metavar="ID|KIND|DUTY|OBJECT")
@environment_option
@common
def command(options: Common, what: str, environment: str) -> int:
    """Show a kind (`rooms`), a described object (`room-minzheng`) with the place of every value, or a duty (`R20`).

    `Deployment/NAME` or `KIND/NAMESPACE/NAME` shows an object of the rendered stacks: its text, the line of the program
    that registered it and the line of the description it came from.
    """
    from egov.city.load import kinds, unknown
    from egov.present import show
    from egov.present.tables import as_json

    if "/" in what:
        return _rendered(options, what, environment)
    city, law = options.load_city(), options.load_mandate()
    as_data = options.as_json()
    if what in kinds():
        data = show.kind_data(city, what)
        options.write(as_json(data) if as_data else show.kind_table(city, what, options.lang))
    elif what in law.duties:
        report, cases = options.report((what,), description_of_today=True), options.load_cases()
        text = as_json(show.duty_data(report, what, cases)) if as_data else ""
        options.write(text or show.duty_text(report, what, cases, options.lang))
    else:
        found = [kind for kind in kinds() if what in getattr(city, kind)]
        if not found:
            thing = "kind, object or duty"
            raise unknown(thing, what, show.everything(city, law))
        objects = [show.object_data(options.city_dir(), city, kind, what) for kind in found]
        if as_data:
            options.write(as_json(objects[0] if len(objects) == 1 else objects))
        else:
            options.write("\n".join(show.object_text(data, options.lang) for data in objects))
    return 0


def _rendered(options: Common, what: str, environment: str) -> int:
    from egov.capture.manifests import objects
    from egov.city.load import unknown
    from egov.present.stacks import object_data, object_text
    from egov.present.tables import as_json

    stacks, city = options.stacks(environment), options.load_city()
    found = [(name, made) for name in stacks.programs() for made in objects(stacks.graph(name))]
    hits = [(name, made) for name, made in found if what.lower() in _names(made)]
    if not hits:
        thing = f"object of the stacks in {environment}"
        raise unknown(thing, what, [name for _, made in found for name in _names(made)])
    shown = [object_data(options.city_dir(), city, name, made) for name, made in hits]
    if options.as_json():
        options.write(as_json(shown[0] if len(shown) == 1 else shown))
    else:
        options.write("\n".join(object_text(data, options.lang) for data in shown))
    return 0


def _names(made: Object) -> set[str]:
    """Return what an object may be called, in lower case: kind and name, with or without its namespace."""
    key = made.key
    return {f"{key.kind}/{key.name}".lower(), f"{key.kind}/{key.namespace}/{key.name}".lower()}
