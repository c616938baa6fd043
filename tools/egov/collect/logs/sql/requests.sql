-- The requests of one file, each with its system and the class of who asked: those of the row it was counted in.
-- DuckDB only: kept where somebody asks for them, while the rows are what facts are made of. A line that is no request
-- has no day here: a condition instead would be put before the cutting, and so lines be cut twice.
select
    c.system,
    plus_minutes(at_clock(c.own_date, r.clock), -c.minutes) as at,
    c.client,
    split_part(r.request, ' ', 1) as method,
    split_part(r.request, ' ', 2) as target,
    try_cast(substring(r.reply, 2, 3) as smallint) as status,
    try_cast(split_part(r.reply, ' ', 3) as bigint) as bytes,
    r.referer,
    c.agent,
    c.agent_class
from (
    select
        clock, request, reply, referer, client, forwarded, agent, zone, {place} as place, {part} as part,
        case when clock is not null and {is_request} then day end as day
    from ({parts}) as p
) as r
join (select * from classed where file = {file}) as c
    on c.own_client = r.client and c.forwarded = r.forwarded and c.agent = r.agent and c.own_place = r.place
    and c.own_day = r.day and c.zone = r.zone and c.part = r.part
