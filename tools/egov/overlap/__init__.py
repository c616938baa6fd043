"""How far the functions of one system cover another's: Chinese texts compared item by item, offline, explained."""

from egov.overlap.engine import Cover, Match, Overlap
from egov.overlap.terms import Terms, items_of, terms

__all__ = ["Cover", "Match", "Overlap", "Terms", "items_of", "terms"]
