"""``lis-bridge capture``: what an analyzer says, byte for byte, before anybody knows what it means.

Every chunk is in the recording, on the disk, before it is answered or passed on.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from lis_bridge.cli.exits import Exit
from lis_bridge.cli.output import Json, document, fields
from lis_bridge.core.faults import UsageError
from lis_bridge.framing.legible import legible

if TYPE_CHECKING:
    from lis_bridge.transport import Heard, Link
    from lis_bridge.transport.capturing import Capture

_Link = Annotated[
    str, typer.Argument(metavar="LINK", help="Where the analyzer is: a URL as in a configuration.", show_default=False)
]
_Output = Annotated[
    Path, typer.Option("--output", "-o", metavar="FILE", help="The recording, for example unknown.jsonl.", show_default=False)
]
_Host = Annotated[
    str | None, typer.Option("--host", metavar="LINK", help="The analyzer's present host: stand between both and only listen.")
]
_Silent = Annotated[bool, typer.Option("--silent", help="Answer nothing.")]
_Try = Annotated[bool, typer.Option("--try-settings", help="Find speed, data bits and parity of a serial line first.")]
_Window = Annotated[float, typer.Option("--window", min=0.1, help="Seconds that a silent setting is listened to.")]
_Seconds = Annotated[float | None, typer.Option("--seconds", min=0.1, help="End after so long; without it, at Ctrl-C.")]
_Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Do not show the bytes.")]


def capture(
    link: _Link,
    output: _Output,
    host: _Host = None,
    silent: _Silent = False,
    try_settings: _Try = False,
    window: _Window = 20.0,
    seconds: _Seconds = None,
    quiet: _Quiet = False,
    json: Json = False,
) -> int:
    """Record what an analyzer says, with times, and both sides of the conversation.

    ENQ, frames and HL7 messages are answered as received once they are in the recording, so that the analyzer keeps talking: what it sends
    now is in the recording only and goes to no LIS. --silent answers nothing; --host passes every byte on to the present host.
    Beside the recording, a file of the same name with .bin gets the analyzer's own bytes. Both hold patients' data: see lis-bridge anonymise.

    With --try-settings, send a result from the analyzer again and again until a setting fits.

    Exit codes: 0 something was recorded, 1 nothing came (or no setting fits), 2 usage, 5 the link cannot be had.

    Examples: lis-bridge capture tcp-listen://0.0.0.0:5100 -o unknown.jsonl

    lis-bridge capture serial:///dev/ttyUSB0 --try-settings -o unknown.jsonl

    lis-bridge capture tcp-listen://0.0.0.0:5100 --host tcp-connect://192.0.2.5:5100 -o unknown.jsonl
    """
    told = record(link, output, host, silent, window if try_settings else None, seconds, _told if not (quiet or json) else unseen)
    if json:
        document(told)
    else:
        fields(told)
    return Exit.OK if told["wire"] else Exit.FINDINGS


def record(
    link: str,
    output: Path,
    host: str | None,
    silent: bool,
    window: float | None,
    seconds: float | None,
    show: Callable[[Heard], None],
) -> dict[str, Any]:
    """Records until the time is up or a signal ends it, and says what was heard. Raises UsageError, LinkError."""
    from lis_bridge.core.clock import SystemClock
    from lis_bridge.transport import open_link
    from lis_bridge.transport.capturing import Capture
    from lis_bridge.transport.recording import FORMAT, Recording, Title

    wire_file = output.with_suffix(".bin")
    if wire_file == output or wire_file.exists():
        raise UsageError(
            "the analyzer's own bytes go there", where=str(wire_file), hint="Give the recording another name, ending in .jsonl"
        )
    clock = SystemClock()
    answered_by: Literal["nobody", "lis-bridge", "host"] = "host" if host else "nobody" if silent else "lis-bridge"
    recording = Recording(output, Title(FORMAT, link, answered_by, clock.now()))
    work = Capture(recording, clock, show)
    try:
        asyncio.run(_until_stopped(_capturing(work, open_link(link), host, silent, window), seconds))
    finally:
        recording.close()
    return _heard(output, wire_file)


async def _capturing(work: Capture, link: Link, host: str | None, silent: bool, window: float | None) -> None:
    from lis_bridge.transport import open_link

    if host is not None:
        await work.between(link, open_link(host))
    elif window is None:
        await work.listen(link, answer=not silent)
    else:
        async for attempt in work.try_settings(link, seconds=window):
            typer.echo(f"{attempt.line.settings}: {attempt.fit.verdict}, {attempt.fit.why}", err=True)


async def _until_stopped(work: Coroutine[Any, Any, None], seconds: float | None) -> None:
    """Until the time is up or a signal ends it: that is how a capture ends."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C arrives as KeyboardInterrupt
            loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(TimeoutError, asyncio.CancelledError):
        async with asyncio.timeout(seconds):
            await task


def _told(heard: Heard) -> None:
    """One chunk for the screen; this is the engineer's own terminal, not a log."""
    side = "<" if heard.by == "analyzer" else ">"
    for line in legible(heard.data).splitlines():
        typer.echo(f"{heard.at.astimezone():%H:%M:%S.%f} {side} {line}")
    sys.stdout.flush()


def unseen(heard: Heard) -> None:
    """Nobody looks."""


def _heard(output: Path, wire_file: Path) -> dict[str, Any]:
    from lis_bridge.transport.recording import chunks, wire

    raw = output.read_bytes()
    heard = [chunk for chunk in chunks(raw) if chunk.by == "analyzer"]
    said = wire(raw)
    if said:
        wire_file.touch(mode=0o600)
        wire_file.write_bytes(said)
    return {
        "recording": str(output),
        "wire": str(wire_file) if said else None,
        "bytes": len(said),
        "conversations": len({chunk.conversation for chunk in heard}),
        "settings": heard[-1].settings or None if heard else None,
    }
