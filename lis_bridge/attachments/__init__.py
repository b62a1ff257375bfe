"""Pictures, histograms and curves of a tube: kept beside its results, shown in the console, sent to the destinations that want them.

They are no results (promise 6). One whose results are all held waits with them; one that came again is kept once.
"""

from lis_bridge.attachments.contents import Content, contents_of
from lis_bridge.attachments.shelf import Attached, Owed, content, entries, keep, lines, move, owed, release, told, withhold

__all__ = [
    "Attached",
    "Content",
    "Owed",
    "content",
    "contents_of",
    "entries",
    "keep",
    "lines",
    "move",
    "owed",
    "release",
    "told",
    "withhold",
]
