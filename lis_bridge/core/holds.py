"""The closed list of reasons why observations are kept back, with what a person can do about each.

The reason is the stable word in the database, in ``--json`` and in the console; titles and remedies are for people.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Reason(StrEnum):
    """Why an observation is held (DESIGN sections 3 and 4)."""

    UNKNOWN_CODE = "unknown code"
    UNKNOWN_UNIT = "unknown unit"
    UNKNOWN_ENCODING = "unknown encoding"
    SPECIMEN_MISSING = "specimen missing"
    SPECIMEN_UNMATCHED = "specimen unmatched"
    IDENTITY_DOUBTFUL = "identity doubtful"
    CONFLICTING_VALUE = "conflicting value"
    POSSIBLE_ID_CORRECTION = "possible id correction"
    CUT_OFF = "transmission cut off"
    NO_ORDER = "no order"
    REFUSED_BY_LIS = "refused by the LIS"
    UNDER_REVIEW = "under review"
    DOUBTED = "doubted by the analyzer"


class Words(NamedTuple):
    """A reason and its remedy in the console's two languages."""

    zh: str
    en: str
    do_zh: str
    do_en: str


WORDS: dict[Reason, Words] = {
    Reason.UNKNOWN_CODE: Words("未知项目代码", "Unknown code", "在隔离区映射该代码后重放", "Map the code, then replay"),
    Reason.UNKNOWN_UNIT: Words(
        "未知单位", "Unknown unit", "在驱动或站点配置中声明单位后重放", "Declare the unit in the site's overrides, then replay"
    ),
    Reason.UNKNOWN_ENCODING: Words(
        "无法识别的编码", "Unknown encoding", "在仪器配置中设定字符集后重放", "Set the analyzer's charset, then replay"
    ),
    Reason.SPECIMEN_MISSING: Words("缺少条码", "No specimen id", "核对样本管并补录条码", "Find the tube and enter its id"),
    Reason.SPECIMEN_UNMATCHED: Words(
        "条码不符合规则", "Specimen id matches no rule", "核对条码或修改条码规则", "Check the id or mend the barcode rule"
    ),
    Reason.IDENTITY_DOUBTFUL: Words(
        "样本身份存疑", "Identity doubtful", "核对样本号、日期与病人后放行", "Compare number, date and patient, then release"
    ),
    Reason.CONFLICTING_VALUE: Words(
        "结果冲突", "Conflicting value", "与仪器屏幕核对后选择结果", "Compare with the analyzer's screen, then choose"
    ),
    Reason.POSSIBLE_ID_CORRECTION: Words(
        "可能的条码更正", "Possible id correction", "核对哪一支管是正确的", "Check which of the two tubes is right"
    ),
    Reason.CUT_OFF: Words(
        "传输中断", "Transmission cut off", "让仪器重发，或核对后放行", "Let the analyzer send again, or release after a check"
    ),
    Reason.NO_ORDER: Words("无医嘱", "No order", "在LIS中补录医嘱", "Enter the order in the LIS"),
    Reason.REFUSED_BY_LIS: Words(
        "被LIS拒收", "Refused by the LIS", "查看LIS的原话，处理后重发", "Read the LIS's words, mend, then resend"
    ),
    Reason.UNDER_REVIEW: Words(
        "人工复核", "Held for review", "查清疑问后放行、作废或改条码", "Settle what was doubted, then release, discard or move"
    ),
    Reason.DOUBTED: Words(
        "仪器存疑",
        "Doubted by the analyzer",
        "查看标本与仪器屏幕，复测，或放行、作废",
        "Look at the specimen and the analyzer's screen; measure again, or release or discard",
    ),
}

BY_HAND = (Reason.UNDER_REVIEW, Reason.CONFLICTING_VALUE, Reason.IDENTITY_DOUBTFUL, Reason.POSSIBLE_ID_CORRECTION)
"""Reasons for which a person may hold results back; the others are ended by a mapping, an order or a transmission, not by a person."""
