"""Messages of a chemistry line as its analyzer writes them, about invented people."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from lis_bridge import journal
from lis_bridge.journal import Entry
from lis_bridge.storage import Store

from .serving import Running

Row = tuple[str, str, str]
"""The device's code, the value, the unit."""


def oru(specimen: str, *rows: Row, name: str = "林远山", at: str = "20260317094542", material: str = "serum") -> bytes:
    """An ORU^R01 of a Mindray BS in its MLLP block; ``material`` is OBR-15."""
    segments = [
        "MSH|^~\\&|||||20260317094839||ORU^R01|31|P|2.3.1||||0||UTF-8|||",
        f"PID|12||||{name}|||F",
        f"OBR|12|{specimen}|23|^|N|{at}|{at}|{at}||1^5||||{at}|{material}",
        *(
            f"OBX|{number}|NM|{code}|{code}|{value}|{unit}|-|N|||F||{value}|{at}||||0||"
            for number, (code, value, unit) in enumerate(rows, 1)
        ),
    ]
    return b"\x0b" + "\r".join((*segments, "")).encode() + b"\x1c\r"


def bring(store: Store, raw: bytes, analyzer: str = "line-1") -> int:
    """Journal bytes as the inbound step does; the entry's number."""
    with store.write() as tx:
        return journal.append(tx, Entry(analyzer, "10.0.0.7", datetime.now(UTC), "mllp", True, raw))


async def heard(running: Running, raw: bytes, analyzer: str = "line-1") -> int:
    """Have a running service process bytes, and wait for it."""
    service = running.service
    entry = Entry(analyzer, "10.0.0.7", datetime.now(UTC), "mllp", True, raw)
    id = await service.writer.call_async(lambda tx: journal.append(tx, entry))
    service.look()
    await settled(running, id)
    return id


async def settled(running: Running, id: int) -> None:
    """Wait until an entry is not pending."""
    async with asyncio.timeout(30):
        while True:
            with running.service.store.read() as tx:
                found = journal.get(tx, id)
            if found is not None and found.state != "pending":
                return
            await asyncio.sleep(0.02)
