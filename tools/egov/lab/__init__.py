"""The lab: the described hosts as real systemd hosts on this machine, in network namespaces of their own."""

from egov.lab.lab import HostStatus, Lab
from egov.lab.namespace import entered
from egov.lab.paths import Paths, paths
from egov.lab.topology import LabHost, Link, Topology, topology

__all__ = ["HostStatus", "Lab", "LabHost", "Link", "Paths", "Topology", "entered", "paths", "topology"]
