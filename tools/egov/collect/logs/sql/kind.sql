-- What a request is, where it is more than a page view: a login or a write; a miss, refused or not found and asked for
-- out of nowhere; or a payload, which only somebody sends who looks for a hole.
case
    when reply < ' 4' and referer > '-' and request like 'GET %' then ''
    when matches(request, '{payload}') then 'payload'
    when left(reply, 4) in (' 400', ' 403', ' 404') then case when referer > '-' then '' else 'miss' end
    when reply < ' 4' and left(request, 4) in ('POST', 'PUT ', 'PATC', 'DELE')
        then case when matches(request, '{login}') then 'login' else 'write' end
    else ''
end
