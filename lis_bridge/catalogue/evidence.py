"""``evidence.toml`` of a driver's folder: which mappings, units and decimal points a person proved against the analyzer's printout."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path

from lis_bridge.catalogue.proving import Judgement, Row
from lis_bridge.core.faults import DriverError
from lis_bridge.core.replacing import replace_file

FILE = "evidence.toml"
HEAD = "# Written by lis-bridge driver prove: what the analyzer's own printout or screen proved of this driver.\n"


@dataclass(frozen=True, slots=True)
class Proof:
    """One code of one sample. ``sample`` is the message's place in the capture: a specimen id would outlive the capture's anonymising.
    ``proved`` holds ``mapping``, ``value`` (with the decimal point), ``unit``.
    """

    date: date
    by: str
    revision: int
    capture: str
    sample: int
    code: str
    test: str
    value: str
    unit: str
    proved: tuple[str, ...]

    @property
    def place(self) -> tuple[str, int, str]:
        return self.capture, self.sample, self.code


def proofs(folder: Path) -> tuple[Proof, ...]:
    """What was proved of the driver in ``folder``; nothing where nobody did. Raises DriverError naming the file."""
    file = folder / FILE
    if not file.exists():
        return ()
    try:
        listed = tomllib.loads(file.read_text(encoding="utf-8"))["proof"]
        return tuple(Proof(**{**one, "proved": tuple(one["proved"])}) for one in listed)
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as wrong:
        raise DriverError(
            f"not the evidence of a driver: {wrong}", where=str(file), hint="Mend it, or delete it and prove anew"
        ) from wrong


def kept(judgements: Iterable[Judgement], by: str, revision: int, on: date) -> tuple[Proof, ...]:
    """The proofs among judgements; a value of which anything is refuted proves nothing."""
    return tuple(
        Proof(
            on,
            by,
            revision,
            one.row.capture,
            one.row.sample,
            one.row.seen.code,
            one.row.seen.test or "",
            one.said.value,
            one.said.unit,
            proved,
        )
        for one in judgements
        if one.row is not None
        and not one.refuted
        and (proved := tuple(name for name, verdict in one.verdicts.items() if verdict == "proved"))
    )


def standing(found: Iterable[Proof], rows: Iterable[Row]) -> tuple[Proof, ...]:
    """The proofs whose code the driver still files under the proved test; an edited mapping is proved no more."""
    filed = {(row.capture, row.sample, row.seen.code, row.seen.test or "") for row in rows}
    return tuple(proof for proof in found if (*proof.place, proof.test) in filed)


def store(folder: Path, new: Iterable[Proof], refuted: Iterable[Judgement], rows: Sequence[Row]) -> None:
    """Adds proofs; a newer one of the same code and sample takes the older one's place, and neither what is refuted nor what the driver
    files otherwise by now is proved any more. What was kept before stays where the disk fails. Raises DriverError, OSError.
    """
    false = {(one.row.capture, one.row.sample, one.row.seen.code) for one in refuted if one.row is not None}
    before = proofs(folder)
    merged = {proof.place: proof for proof in (*standing(before, rows), *new) if proof.place not in false}
    if merged or before:
        text = HEAD + ("".join(map(_table, merged.values())) or "proof = []\n")
        replace_file(folder / FILE, text.encode(), durable=True)


def _table(proof: Proof) -> str:
    lines = [f"{item.name} = {_toml(getattr(proof, item.name))}" for item in fields(proof)]
    return "\n[[proof]]\n" + "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else json.dumps(value, ensure_ascii=False)
