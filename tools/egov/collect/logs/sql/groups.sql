-- Requests → one row per client, agent, day of the log's own clock and kind: all that reads every line ends here.
-- A line without a time or a status is no request; a file's lines less these rows' requests are its unread ones.
-- Where the log runs in another zone than the city, hours stay apart, for its days are not the city's.
-- The kind is worked out only for what is no plain page view of somebody who came from a page.
select
    {file} as file,
    {place} as place,
    client,
    forwarded,
    agent,
    day,
    zone,
    case
        when zone = '{city_zone}' then ''
        when right(zone, 2) = '{city_minutes}' then left(clock_text(clock), 2)
        else left(clock_text(clock), 5)
    end as part,
    {kind} as kind,
    count(*) as requests,
    clock_text(min(clock)) as first_clock,
    clock_text(max(clock)) as last_clock
from requests
where clock is not null and status between '000' and '999'
group by 2, 3, 4, 5, 6, 7, 8, 9
