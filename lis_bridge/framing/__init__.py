"""Link protocols without I/O and without a clock: bytes of a line in, events out; bytes of a journal entry in, message texts out."""

from lis_bridge.framing.events import Discarded, Event, Framer, FrameReceived, MessageReceived, Send
from lis_bridge.framing.make import make
from lis_bridge.framing.profile import Profile
from lis_bridge.framing.unframe import Body, unframe

__all__ = ["Body", "Discarded", "Event", "FrameReceived", "Framer", "MessageReceived", "Profile", "Send", "make", "unframe"]
