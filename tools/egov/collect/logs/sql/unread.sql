-- Some of the lines that are no request, to show.
select distinct left(line, 500) as line
from ({parts}) as p
where line <> '' and not coalesce(
    clock is not null and {is_request} and {own_date} is not null and {zone_minutes} is not null
    and matches(client, '{client}'), false)
order by 1
limit {samples}
