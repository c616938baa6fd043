-- What of the log's clock must stay apart, for it decides which of the city's days it is.
case
    when zone = '{city_zone}' then ''
    when right(zone, 2) = '{city_minutes}' then left(clock_text(clock), 2)
    else left(clock_text(clock), 5)
end
