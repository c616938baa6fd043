-- Whether a line has, with a clock, what makes it a request: a day where a day stands, and a status.
day like '[%' and reply >= ' 000' and reply < ' :'
