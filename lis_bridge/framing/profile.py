"""How one family frames its messages, as data: the ``framing`` tables of a driver's manifest.

Bytes are written in hexadecimal (``start = "02"``). Each kind has its own options; an option of another kind is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from lis_bridge.core.faults import DriverError

Kind = Literal["mllp", "lis1a", "block", "numbered", "lines", "snibe", "bare-lis2", "whole", "auto"]
Check = Literal[
    "", "xor", "sum", "sum+end", "sum inside", "complement inside", "rounded inside", "sum16 inside", "lines", "crc inside"
]

MAX_MESSAGE = 64 * 1024 * 1024


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A framing and its options; hashable, so that equal ones count once.

    ``max_message``: bytes of one message, beyond which it is discarded. ``docs/framing.md`` explains the others for manifests.
    """

    kind: Kind
    max_message: int = MAX_MESSAGE
    # lis1a (E1381)
    checksum: Literal["including", "excluding", "either", "none"] = "including"
    """Whether the sum takes in ETX/ETB (LIS1-A 6.3.3.5), leaves it out (labXpert), or is not looked at."""
    numbers: Literal["0-7", "1-8", "0-9", "any"] = "0-7"
    """Frame numbers: modulo 8 (6.3.1.3), 8 in place of 0, modulo 10, or not looked at."""
    trailer: Literal["CR LF", "CR", "LF", "none"] = "CR LF"
    """What follows the checksum; what is missing is forgiven once the line falls silent or goes on."""
    terminator: Literal["L", "EOT", "ETX"] = "L"
    """What makes a message whole: its L record, the EOT (devices that send no L), or each frame that ends in ETX."""
    lost: str = ""
    """A byte that loggers of this device swallow; put back in repairs only, and only where the frame's checksum then fits."""
    lost_at: tuple[str, ...] = ()
    """Regular expressions of a frame's text: the lost byte stood behind what they find."""
    # mllp
    heartbeat: str = ""
    """Bytes between messages that mean nothing."""
    wide: bool = False
    """UTF-16: every byte of VT, FS and CR is followed by 00."""
    # block, snibe
    start: tuple[str, ...] = ()
    """Start codes; none: the text begins at once."""
    begins: tuple[str, ...] = ()
    """What the text begins with: tells this framing from another with the same start."""
    end: tuple[str, ...] = ()
    check: Check = ""
    keep: bool = False
    """The text takes in start and end codes (``NZ[`` … ``]``)."""
    length: int = 0
    """Digits after the start that count the bytes between start and end."""
    skip: Literal["", "clock"] = ""
    """``clock``: after the end a blank and five BCD bytes (yy mm dd hh mm) may follow and mean nothing."""
    prelude: str = ""
    """Single bytes outside blocks that are answered with ACK at once (SOH, ENQ)."""
    ignore: str = "0D0A"
    """Bytes outside blocks that mean nothing."""
    unwrap: bool = False
    """In a log, CR LF inside a block are the terminal's; used in repairs only."""
    logger: str = ""
    """In a log, these bytes are the logger's own, wherever they stand; used in repairs only."""
    # block, lines, bare-lis2
    reply: str = ""
    """What a block, group or read is owed after the commit."""
    refusal: str = ""
    last: str = ""
    """Regular expression: blocks or lines belong together up to the one in which it is found."""
    # lines
    first: str = ""
    """Regular expression of a line that begins a group."""
    mark: str = ""
    """A byte that begins a line even where the end of the line before is missing."""
    quiet: float = 0.0
    """Seconds of silence that end a group of lines or bare records; 0: never."""

    @staticmethod
    def from_dict(said: Mapping[str, Any]) -> Profile:
        """The profile of one ``framing`` table; raises DriverError naming the nearest known kind or option."""
        kind = said.get("kind", "")
        if kind not in OPTIONS:
            raise DriverError(f"unknown framing {kind!r}", where="framing.kind", hint=_hint(str(kind), OPTIONS))
        known = OPTIONS[kind]
        for key in said:
            if key not in known:
                raise DriverError(f"unknown option {key!r} of framing {kind}", where=f"framing.{key}", hint=_hint(key, known))
        return _converted({**DEFAULTS.get(kind, {}), **_listed(said)})


_LIS1A = ("checksum", "numbers", "trailer", "terminator", "lost", "lost_at")
_REPLIES = ("reply", "refusal")
_BLOCK = ("start", "begins", "end", "check", "keep", "length", "skip", "prelude", "ignore", "unwrap", "logger", "last", *_REPLIES)

OPTIONS: dict[str, tuple[str, ...]] = {
    kind: ("kind", "max_message", *options)
    for kind, options in {
        "mllp": ("heartbeat", "wide"),
        "lis1a": _LIS1A,
        "block": _BLOCK,
        "numbered": _REPLIES,
        "lines": ("end", "first", "last", "mark", "check", "quiet", *_REPLIES),
        "snibe": (),
        "bare-lis2": ("reply", "quiet"),
        "whole": (),
        "auto": (),
    }.items()
}

DEFAULTS: dict[str, dict[str, Any]] = {"block": {"end": ("03",)}, "lines": {"end": ("0A",)}}


def _listed(said: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: (value,) if key in ("start", "begins", "end", "lost_at") and isinstance(value, str) else value
        for key, value in said.items()
    }


def _converted(said: Mapping[str, Any]) -> Profile:
    try:
        profile = msgspec.convert(said, Profile)
        for text in (
            profile.heartbeat,
            profile.lost,
            *profile.start,
            *profile.end,
            profile.prelude,
            profile.ignore,
            profile.logger,
            profile.reply,
            profile.refusal,
        ):
            bytes.fromhex(text)
    except msgspec.ValidationError as error:
        raise DriverError(f"framing {said['kind']}: {error}", where="framing", hint="See docs/framing.md") from None
    except ValueError as error:
        raise DriverError(
            f"framing {said['kind']}: {error}", where="framing", hint='Bytes are hexadecimal digits: "0D0A"'
        ) from None
    if profile.kind == "block" and not profile.end:
        raise DriverError("a block needs an end", where="framing.end", hint='Say for example end = "03"')
    return profile


def _hint(word: str, known: Mapping[str, Any] | tuple[str, ...]) -> str:
    # settings loads pydantic, which a framer does not need until something is wrong.
    from lis_bridge.settings.nearest import did_you_mean

    return did_you_mean(word, known) or f"known: {', '.join(known)}"
