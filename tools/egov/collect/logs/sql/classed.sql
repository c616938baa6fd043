-- Settled groups with the class of who asked: own addresses first, then what was done, then what the agent says.
select
    s.*,
    t.system,
    coalesce(a.agent_class, 'human') as said,
    case
        when o.client is not null or s.client in (select address from own) then 'self'
        when whole_client.client is not null or one_agent.client is not null then 'scanner'
        else coalesce(a.agent_class, 'human')
    end as agent_class
from settled as s
join taking as t on t.file = s.file and t.place = s.place
left join agents as a on a.agent = s.agent
left join own_hosts as o on o.system = t.system and o.client = s.client
left join scanners as whole_client
    on not whole_client.single and whole_client.client = s.client and whole_client.day = s.day
left join scanners as one_agent
    on one_agent.single and one_agent.client = s.client and one_agent.agent = s.agent and one_agent.day = s.day
