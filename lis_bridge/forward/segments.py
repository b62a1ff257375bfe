"""The segments around the results: MSH, PID, ORC, OBR, SPM. Each is a line of text without its end."""

from __future__ import annotations

from datetime import datetime

from lis_bridge.core.reports import Head
from lis_bridge.forward.escaping import configured, escaped
from lis_bridge.settings import Destination

CHARSETS = {"UTF-8": "UNICODE UTF-8", "GB18030": "GB 18030-2000"}
"""MSH-18 (HL7 table 0211)."""

# HL7 table 0487, by the catalogue's words.
SPECIMENS = {
    "serum": "SER",
    "plasma": "PLAS",
    "blood": "BLD",
    "arterial blood": "BLDA",
    "urine": "UR",
    "urine 24h": "UR",
    "csf": "CSF",
    "stool": "STL",
    "pleural fluid": "PLR",
}


def moment(now: datetime) -> str:
    """TS to the second, with offset."""
    return now.strftime("%Y%m%d%H%M%S%z")


def msh(destination: Destination, control_id: str, now: datetime) -> str:
    """MSH; the message structure (MSH-9.3) only in 2.5.1, which requires it."""
    names = (
        destination.sending_application,
        destination.sending_facility,
        destination.receiving_application,
        destination.receiving_facility,
    )
    kind = "ORU^R01^ORU_R01" if destination.version == "2.5.1" else "ORU^R01"
    parties = "|".join(map(configured, names))
    charset = CHARSETS[destination.charset]
    return f"MSH|^~\\&|{parties}|{moment(now)}||{kind}|{control_id}|P|{destination.version}||||||{charset}"


def pid(head: Head, destination: Destination) -> list[str]:
    """PID only where the site trusts the analyzer's word for the patient (promise 10), and the analyzer gave one."""
    if destination.demographics != "analyzer" or not (head.patient_id or head.patient_name):
        return []
    return [f"PID|1||{escaped(head.patient_id or '')}||{escaped(head.patient_name or '')}"]


class SpecimenFields:
    """The specimen's id in those fields that the destination reads."""

    def __init__(self, head: Head, destination: Destination) -> None:
        number = destination.specimen_as == "number" and head.numbered
        self._id = escaped(head.specimen if number else head.key)
        self._modern = destination.version == "2.5.1"
        places = set(destination.specimen_in)
        if not self._modern:
            places.discard("SPM-2")
        # A message that names no specimen would be filed under none, or under another.
        self._places = places or {"OBR-3"}

    def orc(self) -> list[str]:
        """ORC (RE: observations to follow) where an id stands there."""
        if not self._places & {"ORC-2", "ORC-3"}:
            return []
        return [f"ORC|RE|{self._in('ORC-2')}|{self._in('ORC-3')}"]

    def obr(self, index: int, service: str, status: str, now: datetime) -> str:
        """OBR; OBR-22 is this report's time, OBR-25 the ``status``: C where a delivered result changes (table 0123 has no W)."""
        ids = f"{self._in('OBR-2')}|{self._in('OBR-3')}"
        return f"OBR|{index}|{ids}|{service}{'|' * 18}{moment(now)}|||{status}"

    def spm(self, index: int, specimens: frozenset[str]) -> list[str]:
        """SPM (from 2.5 on); SPM-4 only where all results are of one known kind of specimen."""
        if not self._modern:
            return []
        kind = SPECIMENS.get(next(iter(specimens)), "") if len(specimens) == 1 else ""
        return [f"SPM|{index}|{self._in('SPM-2')}||{kind}"]

    def _in(self, place: str) -> str:
        return self._id if place in self._places else ""
