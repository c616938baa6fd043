"""The policy pack, and the rules of admission as data."""
