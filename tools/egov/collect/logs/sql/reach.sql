-- What a file covers: requests that were read, to whichever system, and the first and last of them.
select cast(coalesce(sum(requests), 0) as bigint) as requests, min(first_at) as first_at, max(last_at) as last_at
from settled
where file = {file}
