"""Who saw which patient and who did what: appended in the transaction of the act, chained by hashes, never changed."""

from lis_bridge.audit.chain import Broken, Head
from lis_bridge.audit.entries import Entry, Line, Via
from lis_bridge.audit.log import append
from lis_bridge.audit.reading import lines, newest, verify

__all__ = ["Broken", "Entry", "Head", "Line", "Via", "append", "lines", "newest", "verify"]
