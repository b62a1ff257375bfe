"""The statements of tubes, events and holds, compiled once."""

from __future__ import annotations

from sqlalchemy import Integer, Text, bindparam, case, insert, or_, select, update

from lis_bridge.core.holds import Reason
from lis_bridge.storage import Statement
from lis_bridge.storage.schema.holds import hold
from lis_bridge.storage.schema.tubes import tube, tube_event

_TUBE = (tube.c.id, tube.c.key, tube.c.specimen, tube.c.numbered, tube.c.version, tube.c.sealed, tube.c.updated_at)

TUBE_BY_KEY = Statement(select(*_TUBE).where(tube.c.key == bindparam("of")))
TUBE_BY_ID = Statement(select(*_TUBE).where(tube.c.id == bindparam("of")))
INSERT_TUBE = Statement(
    insert(tube)
    .values(
        key=bindparam("key"),
        specimen=bindparam("specimen"),
        numbered=bindparam("numbered"),
        stat=0,
        version=0,
        sealed=0,
        results=0,
        held=0,
        created_at=bindparam("at"),
        updated_at=bindparam("at"),
    )
    .returning(tube.c.id)
)
UPDATE_TUBE = Statement(
    update(tube)
    .where(tube.c.id == bindparam("of"), tube.c.version == bindparam("before"))
    .values(
        version=bindparam("now"),
        patient_id=bindparam("person"),
        patient_name=bindparam("called"),
        stat=bindparam("urgent"),
        results=bindparam("reported"),
        held=bindparam("kept"),
        updated_at=bindparam("at"),
    )
)
_SEQ = bindparam("seq", type_=Integer)
SEAL_TUBE = Statement(
    update(tube).where(tube.c.id == bindparam("of")).values(sealed=case((tube.c.sealed < _SEQ, _SEQ), else_=tube.c.sealed))
)

INSERT_EVENT = Statement(
    insert(tube_event).values({name: bindparam(name) for name in ("tube_id", "seq", "journal_id", "at", "content")})
)
EVENTS = Statement(
    select(tube_event.c.seq, tube_event.c.content, tube_event.c.at, tube_event.c.journal_id)
    .where(tube_event.c.tube_id == bindparam("of"))
    .order_by(tube_event.c.seq)
)
ENTRIES = Statement(select(tube_event.c.seq, tube_event.c.journal_id).where(tube_event.c.tube_id == bindparam("of")))
JOURNAL_OF = Statement(
    select(tube_event.c.journal_id).where(tube_event.c.tube_id == bindparam("of"), tube_event.c.seq == bindparam("at_seq"))
)

INSERT_HOLD = Statement(
    insert(hold)
    .values(
        {name: bindparam(name) for name in ("tube_id", "journal_id", "analyzer", "reason", "detail", "codes", "results")}
        | {"state": "open", "created_at": bindparam("at")}
    )
    .returning(hold.c.id)
)
SHRINK_HOLD = Statement(
    update(hold).where(hold.c.id == bindparam("of")).values(codes=bindparam("left_codes"), results=bindparam("left"))
)
CLOSE_HOLD = Statement(
    update(hold)
    .where(hold.c.id == bindparam("of"), hold.c.state == "open")
    .values(state=bindparam("as_", type_=Text), decided_at=bindparam("at"), decided_by=bindparam("by"))
)
HOLD = Statement(
    select(hold.c.id, hold.c.tube_id, hold.c.journal_id, hold.c.analyzer, hold.c.reason, hold.c.detail, hold.c.state).where(
        hold.c.id == bindparam("of")
    )
)
UNPLACED = Statement(
    select(hold.c.id, hold.c.detail, hold.c.state).where(hold.c.journal_id == bindparam("entry"), hold.c.tube_id.is_(None))
)
WAITING_FOR_MAPPING = Statement(
    select(hold.c.tube_id).where(
        hold.c.journal_id == bindparam("entry"),
        hold.c.tube_id.is_not(None),
        hold.c.state == "open",
        or_(hold.c.reason == Reason.UNKNOWN_CODE.value, hold.c.reason == Reason.UNKNOWN_UNIT.value),
    )
)
