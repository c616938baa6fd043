-- One client of a system over these logs, once per class it was seen in.
select
    system,
    client,
    agent_class,
    cast(sum(requests) as bigint) as requests,
    count(distinct day) as days,
    min(first_at) as first_at,
    max(last_at) as last_at,
    max(last_at) as observed_at
from classed
group by system, client, agent_class
