"""Pictures, histograms and curves of a tube: kept beside its results, shown in the console, sent to the destinations that want them.

They are no results (promise 6). One that came with held results waits with them; one that came again is kept once.
"""

from lis_bridge.attachments.contents import Content, contents_of
from lis_bridge.attachments.shelf import Attached, Owed, content, keep, lines, move, owed, release, told

__all__ = ["Attached", "Content", "Owed", "content", "contents_of", "keep", "lines", "move", "owed", "release", "told"]
