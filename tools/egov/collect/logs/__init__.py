"""Access logs → facts of use. SQL in files does what touches every line; DuckDB runs it, or Spark the same."""

from egov.collect.logs.taking import Options, Selection, Taken, TakenLog, take_in

__all__ = ["Options", "Selection", "Taken", "TakenLog", "take_in"]
