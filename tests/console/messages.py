"""What the console says: every text that its templates and code mark, and what the rooms below say when they refuse a decision."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise
from pathlib import Path

from babel.messages.extract import extract_from_dir

ROOT = Path(__file__).parents[2] / "lis_bridge"
CONSOLE = ROOT / "console"
METHODS = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract")]
REFUSING = (
    "console/accounts",
    "console/onboarding",
    "console/pages",
    "console/visitor.py",
    "console/app.py",
    "pipeline/deciding.py",
    "pipeline/remapping.py",
    "mappings/store.py",
    "pipeline/alarms.py",
    "tubes/desk.py",
    "tubes/decisions.py",
    "outbox/desk.py",
    "journal/states.py",
    "runtime/switching.py",
    "runtime/captures.py",
)
FAULTY = ("framing", "dialects", "catalogue", "journal", "pipeline", "runtime", "transport", "forward")
LINKS = (
    "LinkError",
    "PortTakenError",
    "UnreachableError",
    "DeviceMissingError",
    "BadSettingsError",
    "DeniedError",
    "FolderGoneError",
)
FAULTS: Mapping[Collection[str], Collection[int]] = {
    ("Fault", "fault", "_fault"): (0, 2),
    ("_turn_away",): (0, 2),
    LINKS: (0,),
    ("Refused",): (0, 1),
    ("_aside",): (2, 3),
    ("Tested",): (0, 2, 3),
    ("Line",): (0, 3),  # what the doctor looked at, and what is to be done
}
"""What makes a fault or a reason, and which of its arguments are said to a person."""
SAID: Mapping[Collection[str], Collection[int]] = {
    ("saying",): (0,),
    ("Field",): (3,),
    ("Finding",): (3, 4),
    ("_unknown", "_unsettled"): (1,),
    ("Framed",): (2, 6),
}
"""What makes a reason or a finding, and which of its arguments a person reads."""
CERTAINTIES = {"proven", "guessed", "unknown"}
SPOKEN = ("kind", "hint", "reason", "detail")
DETAILED: Mapping[Collection[str], Collection[int]] = {("Verdict", "_doubt"): (2,), ("Doubt",): (0,), ("Key",): ()}
CONSTANT = {"ANOTHER_MATERIAL", "ANOTHER_VALUE", "DISCARDED_BEFORE", "HELD_BEFORE", "QUESTIONABLE", "TAKEN_BACK"}
"""Details that stand in a name."""
SPEAKING = ("_stranger", "_conflict")
"""Functions whose answer is a hold's detail."""
ERRORS = {"BridgeError", "UsageError", "HTTPException", "StorageError", "_answer"}


def marked() -> set[str]:
    """Texts in templates and in code between ``_()``, ``ngettext()`` and ``N_()``."""
    options = {"**.html": {"trimmed": "true", "silent": "false"}}
    found = extract_from_dir(CONSOLE, METHODS, options, keywords={"_": None, "gettext": None, "ngettext": (1, 2), "N_": None})
    return {text for _, _, message, _, _ in found for text in ([message] if isinstance(message, str) else message[:1])}


def faults() -> set[str]:
    """Kind and hint of every fault of bytes and links, and the reasons of a quarantine."""
    found: set[str] = set()
    for name in FAULTY:
        for file in sorted((ROOT / name).rglob("*.py")):
            tree = ast.parse(file.read_text(encoding="utf-8"))
            for names, places in FAULTS.items():
                found |= {text for text in _said(tree, names, places) if text != "{}: {}" or name == "pipeline"}
    return found


def sayings() -> set[str]:
    """Reasons and questions of a proposal, findings of checks: the ids of those with values, and those without."""
    found: set[str] = set()
    for file in (*(ROOT / "catalogue/scaffold").glob("*.py"), *(ROOT / "catalogue/checks").glob("*.py")):
        if file.name in ("write.py", "manifest_text.py"):  # files are written in English
            continue
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for names, places in SAID.items():
            found |= {text for text in _said(tree, names, places) if re.search("[a-z]{2}", text)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Tuple) and len(node.elts) > 2:
                found |= {text for before, one in pairwise(node.elts) if _is_certainty(before) for text in _texts(one)}
            if isinstance(node, ast.Dict) and file.name == "columns.py":
                found |= {text for value in node.values for text in _texts(value)}
        if file.parent.name == "scaffold":
            asked = (
                node.value for node in ast.walk(tree) if isinstance(node, ast.Yield) and isinstance(node.value, ast.Constant)
            )
            found |= {text for value in asked for text in _texts(value)}
    return found - CERTAINTIES


def _is_certainty(node: ast.expr) -> bool:
    return bool(set(_texts(node)) & CERTAINTIES)


def acts() -> set[str]:
    """What the audit log says that was done."""
    written = {ROOT / "pipeline/deciding.py": ("_note", 0)} | dict.fromkeys(
        (*CONSOLE.glob("accounts/*.py"), *CONSOLE.glob("pages/*.py")), ("append", 1)
    )
    found = {
        text
        for file, (name, place) in written.items()
        for text in _said(ast.parse(file.read_text(encoding="utf-8")), (name,), (place,))
    }
    return found | {"viewed", "login refused"}


def refusals() -> set[str]:
    """What and hint of every error that a decision may end in; those with values in them as patterns with ``{}``."""
    return {text for file in _files() for text in _said(ast.parse(file.read_text(encoding="utf-8")), ERRORS, None)}


def details() -> set[str]:
    """What a hold says besides its reason: second of a pair with the reason, or said by one of ``DETAILED``."""
    found: set[str] = set()
    for file in sorted((ROOT / "tubes").glob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for names, places in DETAILED.items():
            found |= set(_said(tree, names, places))
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Tuple)
                and len(node.elts) == 2
                and getattr(getattr(node.elts[0], "value", 0), "id", "") == "Reason"
            ):
                found |= set(_texts(node.elts[1]))
            if isinstance(node, ast.FunctionDef) and node.name in SPEAKING:
                found |= {
                    text for one in ast.walk(node) if isinstance(one, ast.Return) and one.value for text in _texts(one.value)
                }
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in CONSTANT:
                found |= set(_texts(node.value))
    return found


def _files() -> Iterator[Path]:
    for name in REFUSING:
        yield from sorted((ROOT / name).glob("*.py")) if (ROOT / name).is_dir() else [ROOT / name]


def _said(tree: ast.AST, called: Collection[str], places: Collection[int] | None) -> Iterator[str]:
    named: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    named.setdefault(target.id, []).append(node.value)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in called:
            placed = [value for place, value in enumerate(node.args) if places is None or place in places]
            spoken = [*placed, *(key.value for key in node.keywords if key.arg in SPOKEN)]
            for value in spoken:
                for meant in named.get(value.id, ()) if isinstance(value, ast.Name) else (value,):
                    yield from _texts(meant)


def _texts(value: ast.expr) -> Iterator[str]:
    if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value:
        yield value.value
    elif isinstance(value, ast.IfExp):
        yield from _texts(value.body)
        yield from _texts(value.orelse)
    elif isinstance(value, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "{}" for part in value.values]
        yield "".join(map(str, parts))
