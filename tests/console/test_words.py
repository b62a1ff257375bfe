"""中文 and English are complete."""

from __future__ import annotations

import ast
import re

import pytest

from lis_bridge.console.words import catalog, say
from lis_bridge.core.holds import WORDS, Reason
from lis_bridge.core.sayings import joined, saying

from .messages import CONSOLE, acts, details, faults, marked, refusals, sayings

ZH = {str(one.id if isinstance(one.id, str) else one.id[0]): one for one in catalog("zh") if one.id}
LITERAL = re.compile(r">[^<{}]*[A-Za-z\u4e00-\u9fff][^<{}]*<")
ELSEWHERE = {
    "name",
    "id",
    "there is no such page",
    "Refused with NAK; check cable, speed and parity if it happens often",
    "A defect of the bridge or of a hook: report it, then replay",
    "processing failed",
    "no framing or dialect is recognised",
    "Is it the whole capture? Control characters must be there as bytes, not as <STX>",
    "the folder is there already",
    "Give another id, or move it away",
}
"""Texts that are put together where no extraction sees them."""
NAMES = {"LOINC", "lis-bridge", "lis-bridge · lis-bridge", "Enter", "Esc", "R", "O", "A", "H", "P", "X", "/"}


def test_every_marked_text_has_its_chinese() -> None:
    assert marked() - {id for id, one in ZH.items() if one.string and all(one.string)} == set()


def test_every_refusal_that_a_person_meets_has_its_chinese() -> None:
    assert refusals() - set(ZH) == set()


def test_every_fault_that_a_person_meets_has_its_chinese() -> None:
    assert len(faults()) > 50
    assert faults() - set(ZH) == set()


def test_every_reason_of_a_proposal_and_every_finding_has_its_chinese() -> None:
    assert len(sayings()) > 150
    assert sayings() - set(ZH) == set()


def test_every_saying_has_the_same_values_in_chinese() -> None:
    for id in sayings():
        values = [f"v{place}" for place in range(len(re.findall(r"{(?:!r)?}", id)))]
        said = str(ZH[id].string).format(*values)
        assert all(value in said for value in values), id


def test_a_saying_is_said_by_its_values() -> None:
    made = joined(", ", (saying("{} drivers spell it so", 4), saying("unit {} fits", "{x}"), "confirm it"))
    assert made == "4 drivers spell it so, unit {x} fits, confirm it"
    assert say(made, "en") == made
    assert say(made, "zh") == "4 个驱动这样写, 单位 {x} 相符, 请确认"


def test_every_action_of_the_audit_log_has_its_chinese() -> None:
    assert len(acts()) > 20
    assert acts() - set(ZH) == set()


def test_every_detail_of_a_hold_has_its_chinese() -> None:
    assert len(details()) > 10
    assert details() - set(ZH) == set()


def test_catalogue_holds_nothing_that_nobody_says() -> None:
    assert set(ZH) - marked() - refusals() - faults() - sayings() - details() - acts() - ELSEWHERE == set()


def test_no_template_speaks_without_marking_it() -> None:
    """Between tags stands nothing but ``{{ … }}`` and names that are the same in every language."""
    found = {}
    for file in CONSOLE.glob("templates/**/*.html"):
        text = re.sub(r"{#.*?#}|{%.*?%}", "", file.read_text(encoding="utf-8"), flags=re.DOTALL)
        words = {match.strip("<> ·()\N{EN DASH}") for match in LITERAL.findall(text)} - NAMES
        if words - {""}:
            found[file.name] = words
    assert found == {}


def test_every_reason_has_words_in_both_languages() -> None:
    assert set(WORDS) == set(Reason)
    assert [reason for reason, words in WORDS.items() if not all(words)] == []


@pytest.mark.parametrize(
    ("text", "chinese"),
    [
        ("there is no such hold", "没有这条拦截"),
        ("this hold is released already", "这条拦截已是 released"),
        ("take 10 to 200 characters", "请用 10 到 200 个字符"),
        (
            "54 bytes: Refused with NAK; check cable, speed and parity if it happens often",
            "54 bytes：已用 NAK 拒收；若常发生，请查线缆、波特率与校验位",
        ),
        ("what nobody translated", "what nobody translated"),
    ],
)
def test_what_a_room_below_says_is_said_in_chinese(text: str, chinese: str) -> None:
    assert say(text, "zh") == chinese
    assert say(text, "en") == text


def test_no_code_of_the_console_translates_a_value() -> None:
    """``_(name)`` would hide a text from the extraction; ``said`` is there for texts of other rooms."""
    for file in CONSOLE.glob("templates/**/*.html"):
        assert not re.search(r"\b_\((?!['\"])", file.read_text(encoding="utf-8")), file.name
    for file in CONSOLE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "N_":
                assert isinstance(node.args[0], ast.Constant)
