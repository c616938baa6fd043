-- Which requests are of another class than their agent says: by address, or by what was done.
select distinct own_client, own_day, zone, part, agent, system, agent_class
from classed
where agent_class <> said
