"""Judges of rendered objects: pure functions from objects to verdicts; unknown is never a pass."""
