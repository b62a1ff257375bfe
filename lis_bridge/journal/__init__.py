"""What came in, byte for byte, and what became of it.

Every function takes the caller's transaction: what it did is true once that is committed. Bytes are never changed or removed.
"""

from lis_bridge.journal.entries import Entry, Filed, Line, State, filed
from lis_bridge.journal.intake import append, append_frame, end_session, keep_evidence, recover
from lis_bridge.journal.reading import counts, get, lines, pending
from lis_bridge.journal.states import discard, done, quarantine, reopen

__all__ = [
    "Entry",
    "Filed",
    "Line",
    "State",
    "append",
    "append_frame",
    "counts",
    "discard",
    "done",
    "end_session",
    "filed",
    "get",
    "keep_evidence",
    "lines",
    "pending",
    "quarantine",
    "recover",
    "reopen",
]
