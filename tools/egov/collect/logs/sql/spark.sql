-- What the two engines write differently, under one name. Spark's half; duckdb.sql is the other.
create or replace temporary function cut_at_quotes(t string) returns array<string> return split(t, '"', -1);
create or replace temporary function piece(pieces array<string>, n int) returns string return get(pieces, n - 1);
create or replace temporary function count_of(pieces array<string>) returns int return size(pieces);
create or replace temporary function clock_of(t string) returns string
    return case when t rlike '^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$' then t end;
create or replace temporary function clock_text(c string) returns string return c;
create or replace temporary function whole(t string) returns int return try_cast(t as int);
create or replace temporary function matches(t string, pattern string) returns boolean return t rlike pattern;
create or replace temporary function date_of(t string) returns date return try_cast(t as date);
create or replace temporary function at_clock(d date, c string) returns timestamp
    return cast(concat(cast(d as string), ' ', c) as timestamp);
create or replace temporary function plus_minutes(t timestamp, n int) returns timestamp
    return timestampadd(minute, n, t);
create or replace temporary function city_day(t timestamp) returns date
    return cast(from_utc_timestamp(t, '{timezone}') as date);
