-- The log's own day, `[01/Jul/2018`, as a date; null where it is none.
date_of(concat(
    substring(day, 9, 4), '-',
    lpad(cast(cast(floor((instr('Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec', substring(day, 5, 3)) + 3) / 4) as int)
        as string), 2, '0'),
    '-', substring(day, 2, 2)))
