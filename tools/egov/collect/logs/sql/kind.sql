-- What a request is: a page view; a login or a write; a miss (refused or not found, asked for out of nowhere), the same
-- from a page (broken), or a payload, which only somebody sends who looks for a hole.
case
    when status < '400' and referer > '-' and request like 'GET %' then 'page'
    when matches(request, '{payload}') then 'payload'
    when status in ('400', '403', '404') then case when referer > '-' then 'broken' else 'miss' end
    when status < '400' and matches(request, '^(POST|PUT|PATCH|DELETE) ')
        then case when matches(request, '{login}') then 'login' else 'write' end
    else 'page'
end
