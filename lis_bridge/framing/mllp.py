"""MLLP (HL7 2.5.1 appendix C): VT message FS CR, over any link. The acknowledgment is the application's, not the framing's.

FS alone ends the message, for some devices send no CR (BS-300, iFlash) and others LF; CR, LF and a stray FS between messages mean
nothing. ``heartbeat`` names bytes that a device sends while it has nothing to say (BC-10: 02).
"""

from __future__ import annotations

from lis_bridge.framing.block import Blocks
from lis_bridge.framing.control import CR, FS, VT
from lis_bridge.framing.profile import Profile
from lis_bridge.framing.shape import Shape, shape


def shape_of(profile: Profile) -> Shape:
    """The shape of this MLLP; with ``wide`` every code is followed by 00."""
    width = b"\0" if profile.wide else b""
    ignored = b"\r\n\x1c" + width + bytes.fromhex(profile.heartbeat)
    return shape((VT + width,), (FS + width,), ignored=ignored, step=1 + len(width))


def framer(profile: Profile) -> Blocks:
    """The framer of a profile of kind ``mllp``."""
    return Blocks(shape_of(profile), max_message=profile.max_message)


def wrap(message: bytes, *, wide: bool = False) -> bytes:
    """A message in its envelope; with ``wide`` the message is UTF-16 already."""
    width = b"\0" if wide else b""
    return VT + width + message + FS + width + CR + width
