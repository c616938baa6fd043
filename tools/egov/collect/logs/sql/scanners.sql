-- Who scanned, by what was done, whatever it called itself: on one day either a client as a whole or one agent of it
-- sent so many payloads, payloads and misses being such a share of its requests, or missed so often without coming
-- from a page. The numbers are the mandate's (zombie-narrow, scanner).
-- A burst of guesses is not use, nor is the one guess in it that hit. Where people and a scanner share an address the
-- client as a whole is below these shares, and only the scanner's agent is taken out.
select client, agent, day, single
from (
    select client, cast(null as string) as agent, day, false as single, sum(requests) as requests,
        sum(payloads) as payloads, sum(payloads + misses) as tries
    from settled group by client, day
    union all
    select client, agent, day, true as single, sum(requests) as requests,
        sum(payloads) as payloads, sum(payloads + misses) as tries
    from settled group by client, agent, day
) as tried
where (payloads >= {min_payloads} and tries >= requests * {min_payload_share})
    or (tries >= {min_misses} and tries >= requests * {min_miss_share})
