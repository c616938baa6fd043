"""Collection: facts from hosts over SSH and from field sheets. One of the few parts with effects."""

from egov.collect.hosts import Limits, collect
from egov.collect.login import Credentials, Target, pinned_keys, private_key

__all__ = ["Credentials", "Limits", "Target", "collect", "pinned_keys", "private_key"]
