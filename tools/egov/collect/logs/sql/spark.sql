-- What the two engines write differently, under one name. Spark's half; duckdb.sql is the other.
create or replace temporary function clock_of(t string) returns string
    return case when t rlike '^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$' then t end;
create or replace temporary function clock_text(c string) returns string return c;
create or replace temporary function whole(t string) returns int return try_cast(t as int);
create or replace temporary function matches(t string, pattern string) returns boolean return t rlike pattern;
create or replace temporary function moment(t string) returns timestamp return try_cast(t as timestamp);
create or replace temporary function plus_minutes(t timestamp, n int) returns timestamp
    return timestampadd(minute, n, t);
create or replace temporary function city_day(t timestamp) returns date
    return cast(from_utc_timestamp(t, '{timezone}') as date);
