-- Rows of `once.sql` and `odd.sql` → the moments in UTC, the day in the city, the client behind our own proxies.
-- A row without a moment or a client that can be an address or a name is none: its lines count as unread.
select
    {file} as file,
    regexp_extract(place, '^[^ ?;#]*', 0) as place,
    case when matches(behind, '{client}') and client in (select address from proxies) then behind else client end
        as client,
    agent,
    client as own_client,
    forwarded,
    place as own_place,
    day as own_day,
    own_date,
    zone,
    part,
    minutes,
    requests,
    payloads,
    misses,
    logins,
    writes,
    plus_minutes(at_clock(own_date, first_clock), -minutes) as first_at,
    plus_minutes(at_clock(own_date, last_clock), -minutes) as last_at,
    case when zone = '{city_zone}' then own_date
        else city_day(plus_minutes(at_clock(own_date, first_clock), -minutes)) end as day
from (
    select g.*, d.own_date, d.minutes, trim(regexp_extract(g.forwarded, '[^,]*$', 0)) as behind
    from {groups} as g
    join (
        select day, zone, {own_date} as own_date, {zone_minutes} as minutes
        from (select distinct day, zone from {groups} as g) as days
    ) as d on d.day = g.day and d.zone = g.zone
) as own
where own_date is not null and minutes is not null and matches(client, '{client}')
