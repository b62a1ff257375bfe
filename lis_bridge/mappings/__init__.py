"""What a person mapped while the service ran: a device's code to a test of the catalogue, a device's unit to one that is known, or a code
that is not reported."""

from lis_bridge.mappings.applying import applied
from lis_bridge.mappings.store import KINDS, Kind, Mapping, add, every, remove

__all__ = ["KINDS", "Kind", "Mapping", "add", "applied", "every", "remove"]
