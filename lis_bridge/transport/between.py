"""Stands between an analyzer and its present host: every byte goes on unchanged, nothing is answered here."""

from __future__ import annotations

import asyncio

from lis_bridge.transport.link import Channel


async def relay(analyzer: Channel, host: Channel) -> None:
    """Pass bytes on in both directions until one side ends; then both are closed. Raises LinkError where a link is lost."""
    ways = [asyncio.create_task(_pass_on(one, other)) for one, other in ((analyzer, host), (host, analyzer))]
    try:
        ended, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        analyzer.close()
        host.close()
    for way in ended:
        way.result()


async def _pass_on(one: Channel, other: Channel) -> None:
    while data := await one.read():
        await other.write(data)
