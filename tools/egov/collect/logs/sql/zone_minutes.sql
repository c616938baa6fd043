-- Minutes by which the log's clock is ahead of UTC; null where its zone is none.
(case left(zone, 1) when '+' then 1 when '-' then -1 end * (whole(substring(zone, 2, 2)) * 60 + whole(substring(zone, 4, 2))))
