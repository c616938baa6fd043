-- All that touches every line: lines cut at their quotes → a row per client, agent, place and day of the log's own
-- clock. A line that is not as its log's lines are (another number of quotes, another zone, no time, no status) is
-- kept whole as `odd`, and `odd.sql` has another look at it. What is not needed for every line is left for the rows.
-- Where the log runs in another zone than the city, hours stay apart (`part`), for its days are not the city's.
select
    place,
    client,
    forwarded,
    agent,
    day,
    part,
    odd,
    count(*) as requests,
    count_if(kind = 'payload') as payloads,
    count_if(kind = 'miss') as misses,
    count_if(kind = 'login') as logins,
    count_if(kind = 'write') as writes,
    min(clock) as first_clock,
    max(clock) as last_clock
from (
    select
        {place} as place,
        client,
        coalesce({forwarded}, '') as forwarded,
        coalesce({agent}, '?') as agent,
        day,
        {part} as part,
        {kind} as kind,
        clock,
        case when count_of(pieces) = {pieces} and head like '% {usual_zone}] ' and clock is not null and {is_request}
            then null else line end as odd
    from (
        select
            *,
            case when {host_first} then split_part(head, ' ', 1) else '' end as host,
            {head_client} as client,
            substring(head, -29, 12) as day,
            '{usual_zone}' as zone,
            clock_of(substring(head, -16, 8)) as clock
        from (
            select
                line,
                pieces,
                piece(pieces, 1) as head,
                piece(pieces, 2) as request,
                piece(pieces, 3) as reply,
                piece(pieces, 4) as referer
            from (select line, cut_at_quotes(line) as pieces from lines) as cut
        ) as pieced
    ) as parts
) as requests
group by place, client, forwarded, agent, day, part, odd
