"""Who saw which patient and who did what: appended in the transaction of the act, chained by hashes, never changed."""

from lis_bridge.audit.chain import Broken, Head, follow
from lis_bridge.audit.entries import Entry, Line, Via
from lis_bridge.audit.log import append
from lis_bridge.audit.reading import after, all_of, lines, newest, verify

__all__ = ["Broken", "Entry", "Head", "Line", "Via", "after", "all_of", "append", "follow", "lines", "newest", "verify"]
