"""Links: serial lines, sockets, watched folders, and the in-memory one for tests. Bytes in and out, never what they mean."""

from lis_bridge.transport.link import Channel, Link
from lis_bridge.transport.opening import open_link
from lis_bridge.transport.recorder import Heard, Recorder

__all__ = ["Channel", "Heard", "Link", "Recorder", "open_link"]
