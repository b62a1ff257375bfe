"""Every form of framing that the families use can be said by a profile, and is cut into the messages that stand there.

``data/`` holds wire bytes of invented patients in the exact layout of each device, damage included.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from lis_bridge.framing import Profile, make, unframe
from tests.framing.drive import NOW, feed, kinds, maps_back, messages, profile

DATA = Path(__file__).parent / "data"
ASTM = (profile("lis1a"), profile("bare-lis2"))
STX = (profile("block", start="02"),)


class Case(NamedTuple):
    """``whole`` and ``cut``: messages in stored bytes by the strict rules; the same after a repair where it differs."""

    profiles: tuple[Profile, ...]
    whole: int
    cut: int = 0
    repaired: tuple[int, int] | None = None
    mend: str = ""


CASES = {
    "abbott-alinity--03.astm": Case(ASTM, 1, 0, (1, 0), "checksum lines"),
    "abbott-architect--03.astm": Case(ASTM, 1, 1),
    "abx-micros60--02.bin": Case((profile("block", start="02", length=5, check="sum16 inside"),), 1),
    "alcor-ised--01.astm": Case(ASTM, 4),
    "bd-sedi15--01.txt": Case((profile("block", start="02", prelude="01", ignore="0D0A04"),), 4),
    "cepheid-genexpert--01.astm": Case(ASTM, 1),
    "cepheid-genexpert--04.astm": Case(ASTM, 0, 0, (1, 0), "frame numbers inside"),
    "corning-644--02.txt": Case(STX, 3, 1),
    "coulter-act--02.astm": Case(ASTM, 0, 2, (2, 0), "bad checksum"),
    "coulter-jt--01.txt": Case((profile("block", start="02", check="complement inside"),), 1),
    "coulter-maxm--04.bin": Case((profile("numbered"),), 1),
    "dirui-urine--01.txt": Case((profile("block", end="0C", skip="clock", ignore=""),), 2),
    "dirui-urine--03.txt": Case(
        (profile("block", end="0C", skip="clock", ignore="", logger="E0FD97"),), 1, 0, None, "logger text"
    ),
    "helena-junior24--01.txt": Case((profile("block", end="04"),), 1),
    "hitachi-7170--03.txt": Case((profile("block", start="02", check="sum"),), 4),
    "hitachi-7170--04.txt": Case((profile("block", start="02", check="xor", ignore="0D0A04"),), 4, 0, (7, 0), "check missing"),
    "hycel-hemacell--01.txt": Case((profile("block", start="02", check="rounded inside"),), 1),
    "il-1620--01.txt": Case((profile("block", start="02", check="complement inside", last="^06,"),), 2),
    "lifotronic-h9--01.astm": Case((profile("lis1a", terminator="EOT"),), 2),
    "mejer-urine--01.txt": Case((profile("block", start=["4E5A5B", "435A5B"], end="5D0D0A", keep=True, check="lines"),), 3),
    "mejer-urine--02.txt": Case((profile("block", start="02", check="lines"),), 2),
    "mindray-bs--02.hl7": Case((profile("mllp"),), 3),
    "mindray-bs--05.hl7": Case((profile("mllp"),), 2, 3),
    "mindray-cl--03.astm": Case(ASTM, 3),
    "nihon-kohden-mek--02.astm": Case(ASTM, 0, 0, (1, 0), "logger text"),
    "olympus-au--04.txt": Case((profile("block", start="0202", end="0303", check="xor", reply="06"),), 4),
    "ortho-vitros-250--02.txt": Case(
        (profile("lines", first=r"^!\d{3}a", last=r"^!\d{3}h", mark="21", check="sum inside"),), 4, 2
    ),
    "radiometer-abl9--02.astm": Case((profile("block", start="01", end="04"),), 2),
    "roche-modular--03.astm": Case(ASTM, 1),
    "sebia-phoresis--01.txt": Case((profile("block", start="02", end=["03", "04"]),), 2),
    "sebia-phoresis--04.txt": Case((profile("block", start="02", end=["03", "04"]),), 1),
    "siemens-dimension--02.txt": Case((profile("block", start="02", check="sum inside"),), 3),
    "snibe-maglumi--03.astm": Case((profile("snibe"),), 6, 1),
    "stago-sta-compact--03.astm": Case(ASTM, 0, 1, (1, 0), "bad checksum"),
    "succeeder-sf8050--02.txt": Case((profile("lines"),), 5),
    "swelab-ac920--02.txt": Case((profile("block", start="02", end=["0D0A0D0A", "0D0D0A0D0D0A"]),), 2),
    "sysmex-ca--03.txt": Case((profile("block", start="02", unwrap=True),), 3, 0, (3, 0), "line ends inside"),
    "sysmex-cs--01.astm": Case(ASTM, 1),
    "sysmex-k--03.txt": Case(STX, 2, 0, (3, 0), "start missing"),
    "sysmex-xn--02.astm": Case(ASTM, 1),
    "sysmex-xn--03.astm": Case(ASTM, 0, 1, (1, 0), "frame numbers inside"),
    "sysmex-xp--02.astm": Case(ASTM, 3),
    "sysmex-xs-serial--02.txt": Case((profile("block", start="02", last="^D2U"),), 1),
    "thermo-indiko--01.astm": Case(ASTM, 2),
    "trinity-premier-hb9210--02.astm": Case(ASTM, 2),
    "yhlo-iflash--03.hl7": Case((profile("mllp"),), 2),
    "zonci-zl--04.txt": Case(STX, 2, 2),
}


def test_every_capture_is_checked() -> None:
    assert {path.name for path in DATA.iterdir()} == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_stored_bytes_give_the_messages_that_stand_there(name: str) -> None:
    case, raw = CASES[name], (DATA / name).read_bytes()
    for repair, expected in ((False, (case.whole, case.cut)), (True, case.repaired or (case.whole, case.cut))):
        bodies = unframe(raw, case.profiles, repair=repair)
        complete = [body.complete for body in bodies if body.text]
        assert (complete.count(True), complete.count(False)) == expected
        assert all(maps_back(body, raw) for body in bodies if body.text)
        assert repair is False or not case.mend or case.mend in kinds(bodies)


@pytest.mark.parametrize("name", CASES)
def test_the_live_side_finds_the_same_messages_for_any_split(name: str) -> None:
    case, raw = CASES[name], (DATA / name).read_bytes()
    whole = make(case.profiles)
    events = feed(whole, [raw]) + whole.close(NOW)
    split = make(case.profiles)
    assert feed(split, (raw[at : at + 7] for at in range(0, len(raw), 7))) + split.close(NOW) == events
    for message, complete in messages(events):
        bodies = [body for body in unframe(message, case.profiles) if body.text]
        assert not complete or all(body.complete for body in bodies) or case.repaired


@pytest.mark.parametrize("name", CASES)
def test_a_truncated_capture_never_gives_a_text_that_the_whole_one_has_not(name: str) -> None:
    case, raw = CASES[name], (DATA / name).read_bytes()
    known = [body.text for body in unframe(raw, case.profiles) if body.text]
    for stop in range(0, len(raw), max(1, len(raw) // 40)):
        for body in unframe(raw[:stop], case.profiles):
            assert body.text in known or (not body.complete or body.faults or any(text.startswith(body.text) for text in known))
