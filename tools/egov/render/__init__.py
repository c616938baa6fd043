"""Rendered artefacts: pure functions from the description to text that other programs read."""
