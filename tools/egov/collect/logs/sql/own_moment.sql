-- The log's own day (01/Jul/2018 or 2018-07-01) and clock as a moment; null where they are none.
moment(concat(
    case
        when substring(day, 3, 1) = '/' then concat(substring(day, 8, 4), '-', lpad(cast(cast(floor(
            (instr('Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec', substring(day, 4, 3)) + 3) / 4) as int) as string),
            2, '0'), '-', left(day, 2))
        else day
    end, ' ', {clock}))
