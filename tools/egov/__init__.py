"""Describe, build, audit and operate a city's e-government cloud."""

__version__ = "0.1.0"
