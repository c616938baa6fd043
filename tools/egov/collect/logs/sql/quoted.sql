-- Lines cut at their quotes (p1 … p16) → the parts of a request. Apache, nginx and Tomcat: common, combined, with the
-- virtual host before or the forwarded address behind. `{last}` is the piece that ends a line of this file, `{beyond}`
-- the one after it. A line with any other number of pieces is cut anew with its escaped quotes out of the way; if the
-- quotes are still not in pairs it is cut off, and no request.
select
    case when {host_first} then split_part(head, ' ', 1) else '' end as host,
    case when {host_first} then split_part(head, ' ', 2) else left(head, instr(head, ' ') - 1) end as client,
    substring(head, -28, 11) as day,
    substring(head, -7, 5) as zone,
    case when substring(head, -29, 1) = '[' and substring(reply, 1, 1) = ' '
        then clock_of(substring(head, -16, 8)) end as clock,
    request,
    substring(reply, 2, 3) as status,
    split_part(reply, ' ', 3) as size,
    referer,
    agent,
    forwarded,
    line
from (
    select
        case when anew is null then p1 else split_part(anew, '"', 1) end as head,
        case when anew is null then p2 else split_part(anew, '"', 2) end as request,
        case when anew is null then p3
            when mod(quotes, 2) = 0 then split_part(anew, '"', 3) end as reply,
        case when anew is null then {referer} else split_part(anew, '"', 4) end as referer,
        case when anew is null then {agent} when quotes >= 6 then split_part(anew, '"', 6) end as agent,
        case when anew is null then {forwarded} else '' end as forwarded,
        concat_ws('"', p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14, p15, p16) as line
    from (select *, length(anew) - length(replace(anew, '"', '')) as quotes from (
        select
            *,
            case when {last} is null or {beyond} is not null then
                replace(concat_ws('"', p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14, p15, p16),
                    '\"', '\x22') end as anew
        from lines
    ) as cut) as counted
) as parts
