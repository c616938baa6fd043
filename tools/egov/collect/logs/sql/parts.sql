-- Lines → the parts of a request, whatever is odd about them. Apache, nginx and Tomcat: common, combined, with the
-- virtual host before or the forwarded address behind. A line with another number of pieces between quotes than its
-- log's lines have is cut anew with its escaped quotes out of the way; if its quotes are still not in pairs it is cut
-- off, and no request.
select
    case when {host_first} then split_part(head, ' ', 1) else '' end as host,
    {head_client} as client,
    substring(head, -29, 12) as day,
    substring(head, -7, 5) as zone,
    clock_of(substring(head, -16, 8)) as clock,
    request,
    reply,
    referer,
    coalesce(agent, '?') as agent,
    coalesce(forwarded, '') as forwarded,
    line,
    n
from (
    select
        line,
        n,
        piece(pieces, 1) as head,
        piece(pieces, 2) as request,
        case when mod(count_of(pieces), 2) = 1 then piece(pieces, 3) end as reply,
        piece(pieces, 4) as referer,
        case when count_of(pieces) >= 7 then piece(pieces, 6) end as agent,
        {forwarded} as forwarded
    from (
        select
            line,
            n,
            case when count_of(raw) = {pieces} then raw else cut_at_quotes(replace(line, '\"', '\x22')) end as pieces
        from (select line, n, cut_at_quotes(line) as raw from {lines} as l) as cut
    ) as cut_anew
) as parts
