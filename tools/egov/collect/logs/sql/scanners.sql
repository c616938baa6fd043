-- Who scanned, by what was done, whatever it called itself: on one day either a client as a whole or one agent of it
-- - sent three payloads or more, payloads and misses being half of its requests or more, or
-- - missed thirty times or more without coming from a page, four requests in five or more.
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
where (payloads >= 3 and tries * 2 >= requests) or (tries >= 30 and tries * 5 >= requests * 4)
