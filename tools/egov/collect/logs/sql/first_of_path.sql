-- The first part of the path that a request names. A pattern for once: short and anchored it is quicker than split_part.
regexp_extract(request, '^[^ ]* [^/ ]*/([^/?;# ]*)', 1)
