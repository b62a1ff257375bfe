"""``lis-bridge simulate``: an analyzer or a LIS that speaks the real protocol, for trying out a bridge without either."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import signal
import sys
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from lis_bridge.cli.exits import Exit
from lis_bridge.cli.shelf import known, shelf
from lis_bridge.core import resources
from lis_bridge.core.faults import UsageError

if TYPE_CHECKING:
    from lis_bridge.simulate.analyzer import Analyzer, Taken
    from lis_bridge.simulate.lis import Lis, Received

app = typer.Typer(no_args_is_help=True, help="Analyzers and a LIS that speak the real protocols.")

VERDICTS = ("AA", "AE", "AR", "CA", "CE", "CR")

_Id = Annotated[
    str, typer.Argument(metavar="ID", help="The driver whose family is to be played; lis-bridge driver list shows all.")
]
_Link = Annotated[
    str, typer.Option("--link", metavar="URL", help="Where the bridge is, for example tcp-connect://127.0.0.1:5100.")
]
_Tubes = Annotated[int, typer.Option("--tubes", min=1, max=9999, help="How many tubes it works through.")]
_Seed = Annotated[int, typer.Option("--seed", help="The same seed measures the same values.")]
_Rate = Annotated[
    float | None, typer.Option("--rate", min=0.001, help="Messages a second; as fast as they are taken without it.")
]
_Zone = Annotated[str, typer.Option("--timezone", metavar="ZONE", help="Where the analyzer's clock stands.")]
_Drop = Annotated[int, typer.Option("--drop-every", min=0, help="Break the connection in the middle of every n-th message.")]
_Spoil = Annotated[int, typer.Option("--spoil-every", min=0, help="Damage a frame of every n-th message (LIS1-A).")]
_Twice = Annotated[int, typer.Option("--twice-every", min=0, help="Send every n-th message twice.")]
_Listen = Annotated[str, typer.Option("--listen", metavar="HOST:PORT", help="Where the LIS listens.")]
_Verdict = Annotated[str, typer.Option("--verdict", metavar="CODE", help=f"What it answers: {', '.join(VERDICTS)}.")]
_Delay = Annotated[float, typer.Option("--delay", min=0.0, help="Seconds before each answer.")]
_Away = Annotated[float, typer.Option("--away", min=0.0, help="Seconds that the LIS is away, once, after its first message.")]


@app.command("analyzer", epilog="Example: lis-bridge simulate analyzer sysmex-xn --link tcp-connect://127.0.0.1:5101 --tubes 5")
def analyzer(
    id: _Id,
    link: _Link,
    tubes: _Tubes = 10,
    seed: _Seed = 1,
    rate: _Rate = None,
    timezone: _Zone = "Asia/Shanghai",
    drop_every: _Drop = 0,
    spoil_every: _Spoil = 0,
    twice_every: _Twice = 0,
) -> int:
    """Play an analyzer: send invented tubes with plausible results, and wait for every acknowledgement.

    Exit codes: 0 everything was taken, 2 usage, 5 nobody took it, 6 a driver is wrong, 130 interrupted.
    """
    from lis_bridge.catalogue.tests import TestCatalogue
    from lis_bridge.simulate.analyzer import Analyzer, Mishaps
    from lis_bridge.simulate.scenario import morning, station
    from lis_bridge.transport import open_link

    library = shelf()
    manifest = library.driver(known(library, id, "simulate analyzer")).manifest
    one = station(id, manifest, TestCatalogue.load(resources.catalogue()))
    plan = morning([one], tubes, datetime.now(_zone(timezone)), seed)
    samples = plan.samples[id] + plan.late[id]
    mishaps = Mishaps(drop_every, spoil_every, twice_every)
    playing = Analyzer(open_link(link), one.composer, samples, rate=rate, mishaps=mishaps, told=_told(len(samples)))
    asyncio.run(_playing(playing, f"{len(samples)} messages of {tubes} tubes to {link}"))
    typer.echo("all taken")
    return Exit.OK


@app.command("lis", epilog="Example: lis-bridge simulate lis --listen 127.0.0.1:2575 --verdict AE")
def lis(
    listen: _Listen = "127.0.0.1:2575",
    verdict: _Verdict = "AA",
    delay: _Delay = 0.0,
    away: _Away = 0.0,
) -> int:
    """Play a LIS: take HL7 messages over MLLP and answer them, until interrupted.

    Exit codes: 0 ended by Ctrl-C or SIGTERM, 2 usage, 5 the port cannot be had.
    """
    from lis_bridge.simulate.lis import Lis, always

    if verdict not in VERDICTS:
        raise UsageError(f"unknown verdict {verdict!r}", where="--verdict", hint=f"One of {', '.join(VERDICTS)}")
    asyncio.run(_listening(Lis(listen, verdicts=always(verdict), delay=delay, heard=_heard), away))
    return Exit.OK


async def _playing(analyzer: Analyzer, words: str) -> None:
    typer.echo(words)
    sys.stdout.flush()
    await analyzer.run()


def _told(total: int) -> Callable[[Taken], None]:
    """A line for every message that was taken; no specimen id, no value."""
    count = itertools.count(1)

    def told(taken: Taken) -> None:
        waited = (taken.taken_at - taken.said_at) * 1000
        sample = taken.sample
        typer.echo(
            f"{next(count)}/{total} {sample.kind} message {sample.control_id}: {len(sample.results)} results, taken after {waited:.0f} ms"
        )

    return told


def _heard(received: Received) -> None:
    answer = received.verdict or "no answer"
    typer.echo(f"{received.control_id}: {received.text.count(chr(13) + 'OBX|')} results, {answer}")
    sys.stdout.flush()


async def _listening(lis: Lis, away: float) -> None:
    """Until a signal ends it; an interruption is the way in which this command ends."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C arrives as KeyboardInterrupt
            loop.add_signal_handler(signal_number, ended.set)
    async with lis:
        typer.echo(f"listening on {lis.address}")
        sys.stdout.flush()
        leaving = asyncio.create_task(_leave_once(lis, away)) if away else None
        await ended.wait()
        if leaving is not None:
            leaving.cancel()
    typer.echo(f"{len(lis.received)} messages received")


async def _leave_once(lis: Lis, seconds: float) -> None:
    while not lis.received:
        await asyncio.sleep(0.05)
    typer.echo(f"away for {seconds:g} s")
    await lis.away(seconds)
    typer.echo("back")


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as wrong:
        raise UsageError(f"unknown time zone {name!r}", where="--timezone", hint="For example Asia/Shanghai") from wrong
