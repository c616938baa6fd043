"""Pulumi programs run without Pulumi's engine: the resource graph they register, and what is read off it.

What is claimed of a captured graph is that a real engine would be asked for the same resources, not that anything was
deployed: no provider is called, nothing is compared with a cluster.
"""

from egov.capture.graph import CaptureError, Graph, Place, Resource, Secret, Unknown

__all__ = ["CaptureError", "Graph", "Place", "Resource", "Secret", "Unknown"]
