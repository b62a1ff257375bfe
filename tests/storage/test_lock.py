"""Two processes: one service per database, commands beside it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from lis_bridge.core.faults import StorageError
from lis_bridge.storage import Store, Writer
from lis_bridge.storage.schema.database import instance

SERVICE = """
import sys
from lis_bridge.storage import Store
store = Store.open(sys.argv[1], exclusive=True)
print("ready", flush=True)
sys.stdin.read()
"""

COMMAND = """
import sys
from sqlalchemy import insert, select
from lis_bridge.storage import Store
from lis_bridge.storage.schema.database import instance
with Store.open(sys.argv[1]) as store:
    for n in range(20):
        with store.write() as tx:
            tx.execute(insert(instance).values(name=f"command {n}", value=""))
    with store.read() as tx:
        assert "service" in tx.execute(select(instance.c.name)).scalars().all()
"""


def service(url: str) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", SERVICE, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_a_second_service_is_refused_and_told_who_holds_the_database(url: str, path: Path) -> None:
    with service(url) as holder:
        with pytest.raises(StorageError, match=f"process {holder.pid}") as refused:
            Store.open(url, exclusive=True)
        assert refused.value.where == str(path)
        holder.kill()


def test_a_killed_service_leaves_no_claim_behind(url: str) -> None:
    with service(url) as holder:
        holder.kill()
        holder.wait()
        Store.open(url, exclusive=True).close()


def test_one_process_cannot_be_two_services(url: str) -> None:
    with Store.open(url, exclusive=True), pytest.raises(StorageError, match="another lis-bridge"):
        Store.open(url, exclusive=True)


def test_commands_read_and_write_beside_a_busy_service(url: str, store: Store, writer: Writer) -> None:
    def count(tx) -> None:
        tx.exec_driver_sql("INSERT OR REPLACE INTO instance VALUES ('service', 'works')")

    writer.submit(count).result()
    command = subprocess.Popen([sys.executable, "-c", COMMAND, url])
    while command.poll() is None:
        writer.submit(count).result()
    assert command.returncode == 0
    with store.read() as tx:
        found = set(tx.execute(select(instance.c.name)).scalars())
    assert found == {"service", *(f"command {n}" for n in range(20))}
