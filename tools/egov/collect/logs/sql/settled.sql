-- Groups → groups with the system, the moments in UTC, the day in the city, and the client behind our own proxies.
-- A group without a moment or a client that can be an address or a name is none: its lines count as unread.
select
    file,
    regexp_extract(place, '^[^ ?;#]*', 0) as place,
    case when matches(behind, '{client}') and client in (select address from proxies) then behind else client end
        as client,
    agent,
    client as own_client,
    forwarded,
    place as own_place,
    day as own_day,
    cast(first_own as date) as own_date,
    zone,
    part,
    minutes,
    kind,
    requests,
    plus_minutes(first_own, -minutes) as first_at,
    plus_minutes(last_own, -minutes) as last_at,
    city_day(plus_minutes(first_own, -minutes)) as day
from (
    select
        *,
        trim(regexp_extract(forwarded, '[^,]*$', 0)) as behind,
        {first_own} as first_own,
        {last_own} as last_own,
        {zone_minutes} as minutes
    from {groups} as g
) as own
where first_own is not null and last_own is not null and minutes is not null and matches(client, '{client}')
