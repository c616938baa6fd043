-- Some of the lines that are no request, to show.
select distinct left(line, 500) as line
from requests
where line <> '' and (clock is null or status not between '000' and '999' or status is null or {own_moment} is null
    or {zone_minutes} is null or client is null or not matches(client, '{client}'))
order by 1
limit {samples}
