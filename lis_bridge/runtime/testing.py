"""Tests a link and says what was tested, never more: an open device shows no cable, a bound port no analyzer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, Literal, cast

import msgspec

from lis_bridge.core.faults import LinkError
from lis_bridge.runtime.reception import Reception
from lis_bridge.transport.folder import FolderLink
from lis_bridge.transport.link import Link
from lis_bridge.transport.serial_line import SerialLink
from lis_bridge.transport.tcp import ConnectLink, ListenLink

CONNECT_SECONDS = 5.0


class Tested(msgspec.Struct, frozen=True):
    """One thing that was tried: what, how it ended (``unknown``: it could not be tried), and what was seen."""

    what: str
    outcome: Literal["yes", "no", "unknown"]
    seen: str
    hint: str = ""


async def tested(reception: Reception) -> tuple[Tested, ...]:
    """What is tested depends on the kind of link; a conversation that stands is never disturbed."""
    link = reception.link
    if isinstance(link, ListenLink):
        return await _port(reception, link), _peers(reception), _bytes(reception)
    if isinstance(link, ConnectLink):
        return await _call(reception, link), _bytes(reception)
    if isinstance(link, SerialLink):
        return await _device(reception, link), _bytes(reception)
    if isinstance(link, FolderLink):
        return await _files(link), _bytes(reception)
    return (_bytes(reception),)


async def _port(reception: Reception, link: ListenLink) -> Tested:
    what = "The port is open"
    bound = ", ".join(link.bound)
    if bound:
        return Tested(what, "yes", f"this program listens on {bound}")
    try:
        await link.open()
    except LinkError as error:
        return Tested(what, "no", error.what, error.hint)
    if reception.stopped is None:
        return Tested(what, "yes", "it was closed and could be opened")
    await link.close()
    return Tested(what, "no", "the link is stopped; the port is free and could be opened")


def _peers(reception: Reception) -> Tested:
    what = "The analyzer is connected"
    if reception.peers:
        return Tested(what, "yes", f"connected now: {', '.join(reception.peers)}")
    hint = "Whether the analyzer can reach this port shows only when it calls: send something from it"
    return Tested(what, "no", "nobody is connected now", hint)


def _bytes(reception: Reception) -> Tested:
    what = "Something was heard"
    heard = reception.heard
    if heard.bytes:
        return Tested(what, "yes", f"{heard.bytes} bytes and {heard.messages} whole messages since the start")
    return Tested(what, "no", "not a byte since the start", "Send a result from the analyzer while this page is open")


async def _call(reception: Reception, link: ConnectLink) -> Tested:
    what = "A connection can be made"
    if reception.peers:
        return Tested(what, "yes", f"the connection to {link.where} stands; no second one was tried, many devices take only one")
    return await _refusal(what, link) or Tested(what, "yes", f"connected to {link.where} and closed again; nothing was sent")


async def _device(reception: Reception, link: SerialLink) -> Tested:
    what = "The serial device can be opened"
    if reception.peers:
        return Tested(what, "yes", f"open now with {link.line.settings}; this shows neither cable nor analyzer")
    seen = f"opened with {link.line.settings} and closed again; this shows neither cable nor analyzer"
    return await _refusal(what, link) or Tested(what, "yes", seen)


async def _refusal(what: str, link: Link) -> Tested | None:
    """Why a conversation cannot be had; None where it could, and was ended at once."""
    # Links give generators; only those can be closed before their end.
    connections = cast(AsyncIterator[Any], link.connections())
    try:
        async with asyncio.timeout(CONNECT_SECONDS), aclosing(cast(Any, connections)):
            channel = await anext(connections)
            channel.close()
            await channel.wait_closed()
    except LinkError as error:
        return Tested(what, "no", error.what, error.hint)
    except TimeoutError:
        return Tested(what, "no", "no answer in time", "Is the analyzer or terminal server on, the address right, the cable in?")
    return None


async def _files(link: FolderLink) -> Tested:
    what = "The folder can be listed"
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            present = await link.count()
    except LinkError as error:
        return Tested(what, "no", error.what, error.hint)
    except TimeoutError:
        return Tested(
            what, "no", "the folder does not answer in time", "Is the share mounted, and may the bridge's account read it?"
        )
    return Tested(what, "yes", f"{present} files match the pattern; whether they can be read shows when they are")
