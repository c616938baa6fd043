-- The lines that `once.sql` put aside, read with more patience: the same rows. What is no request now is unread.
select
    {place} as place,
    client,
    forwarded,
    agent,
    day,
    zone,
    {part} as part,
    sum(n) as requests,
    sum(case when kind = 'payload' then n else 0 end) as payloads,
    sum(case when kind = 'miss' then n else 0 end) as misses,
    sum(case when kind = 'login' then n else 0 end) as logins,
    sum(case when kind = 'write' then n else 0 end) as writes,
    min(clock) as first_clock,
    max(clock) as last_clock
from (select *, {kind} as kind from ({parts}) as p where clock is not null and {is_request}) as requests
group by 1, 2, 3, 4, 5, 6, 7
