-- The requests of one class of agents to a system on one day in the city.
select
    system,
    day,
    agent_class,
    cast(sum(requests) as bigint) as requests,
    count(distinct client) as clients,
    cast(sum(logins) as bigint) as logins,
    cast(sum(writes) as bigint) as writes,
    min(first_at) as first_at,
    max(last_at) as last_at,
    max(last_at) as observed_at
from classed
group by system, day, agent_class
