"""`egov show`: a kind, a described object, a duty."""

from __future__ import annotations

import click

from egov.cli.common import Common, common


@click.command("show")
@click.argument("what", metavar="ID|KIND|DUTY")
@common
def command(options: Common, what: str) -> int:
    """Show a kind (`rooms`), a described object (`room-minzheng`) with the place of every value, or a duty (`R20`)."""
    from egov.city.load import kinds, unknown
    from egov.present import show
    from egov.present.tables import as_json

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
