-- The requests of one file, each with its system and the class of who asked. DuckDB only: kept where somebody asks
-- for them, while the groups are what facts are made of.
select
    t.system,
    plus_minutes(at_clock(d.own_date, r.clock), -d.minutes) as at,
    coalesce(b.client, r.client) as client,
    split_part(r.request, ' ', 1) as method,
    split_part(r.request, ' ', 2) as target,
    try_cast(substring(r.reply, 2, 3) as smallint) as status,
    try_cast(split_part(r.reply, ' ', 3) as bigint) as bytes,
    r.referer,
    r.agent,
    coalesce(e.agent_class, a.agent_class, 'human') as agent_class
from (
    select *, {place} as place, {part} as part
    from ({parts}) as p where clock is not null and {is_request}
) as r
join (
    select distinct g.own_place, t.system
    from settled as g join taking as t on t.file = g.file and t.place = g.place where g.file = {file}
) as t on t.own_place = r.place
join (
    select distinct own_day, zone, own_date, minutes
    from settled where file = {file}
) as d on d.own_day = r.day and d.zone = r.zone
left join (
    select distinct own_client, forwarded, client from settled where client <> own_client
) as b on b.own_client = r.client and b.forwarded = r.forwarded
left join exceptions as e on e.own_client = r.client and e.agent is not distinct from r.agent and e.own_day = r.day
    and e.zone = r.zone and e.part = r.part and e.system = t.system
left join agents as a on a.agent = r.agent
