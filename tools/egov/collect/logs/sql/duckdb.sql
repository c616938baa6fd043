-- What the two engines write differently, under one name. DuckDB's half; spark.sql is the other.

create or replace macro cut_at_quotes(t) as string_split(t, '"');
create or replace macro piece(pieces, n) as pieces[n];
create or replace macro count_of(pieces) as len(pieces);
-- 'HH:MM:SS' as something that has an order, and back; null where it is no time.
create or replace macro clock_of(t) as try_cast(t as time);
create or replace macro clock_text(c) as cast(c as varchar);
-- A whole number; null where it is none.
create or replace macro whole(t) as try_cast(t as integer);
create or replace macro matches(t, pattern) as regexp_matches(t, pattern);
create or replace macro date_of(t) as try_cast(t as date);
create or replace macro at_clock(d, c) as d + c;
create or replace macro plus_minutes(t, n) as t + to_minutes(n);
-- The day in the city of a moment in UTC.
create or replace macro city_day(t) as cast(timezone('{timezone}', timezone('UTC', t)) as date);
