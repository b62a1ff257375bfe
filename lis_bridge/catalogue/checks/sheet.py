"""The table of drivers: what each is, how it speaks, and how well that is known. Computed, never written by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lis_bridge.catalogue.checks.subject import Subject, is_guarded
from lis_bridge.catalogue.checks.tiers import Tier

PROTOCOLS = {"hl7": "HL7 v2", "lis2": "LIS2-A2", "pairs": "name:value", "fixed": "fixed width", "csv": "delimited"}
BEGIN, END = "<!-- drivers: begin -->", "<!-- drivers: end -->"
_HEADS = ("driver", "models", "class", "protocol", "direction", "checksum", "tier", "not verified")


def row(subject: Subject, tier: Tier) -> dict[str, Any]:
    """What there is to say of a driver."""
    manifest = subject.driver.manifest
    return {
        "id": manifest.id,
        "name": manifest.name,
        "manufacturer": manifest.manufacturer,
        "class": manifest.class_,
        "protocol": ", ".join(sorted({_protocol(kind) for kind in _kinds(subject)})),
        "direction": manifest.direction,
        "checksum": checksum_of(subject),
        "tier": tier,
        "models": list(manifest.models),
        "revision": manifest.revision,
        "not_verified": list(manifest.not_verified),
        "low_confidence": manifest.low_confidence,
    }


def _kinds(subject: Subject) -> set[str]:
    return {dialect.kind for dialect in subject.driver.manifest.dialect.values()}


def _protocol(kind: str) -> str:
    return PROTOCOLS.get(kind, kind)


def checksum_of(subject: Subject) -> str:
    """Whether damage shows in what the family sends: ``yes``, ``as set`` (one of its framings has a checksum), ``TCP's`` or ``no``.

    Bare records, which only logs hold, do not count.
    """
    lines = {profile for profile in subject.plan.profiles if profile.kind != "bare-lis2"}
    guarded = {profile for profile in lines if is_guarded(profile)}
    if guarded:
        return "yes" if guarded == lines else "as set"
    return "TCP's" if subject.over_network else "no"


def markdown(rows: Iterable[Mapping[str, Any]]) -> str:
    """The table for README.md, folded, with its summary in front."""
    listed = list(rows)
    tiers = ", ".join(f"{count} {name}" for name in ("site", "bench", "documented", "draft") if (count := _count(listed, name)))
    classes = ", ".join(sorted({one["class"] for one in listed}))
    lines = [_line(_HEADS), _line(["---"] * len(_HEADS)), *(_line(_cells(one)) for one in listed)]
    head = f"{len(listed)} drivers ({tiers}): {classes}."
    return "\n".join([head, "", "<details><summary>The drivers</summary>", "", *lines, "", "</details>"])


def _count(rows: list[Mapping[str, Any]], name: str) -> int:
    return sum(one["tier"] == name for one in rows)


def _cells(one: Mapping[str, Any]) -> list[str]:
    unsure = [*([one["low_confidence"]] if one["low_confidence"] else []), *one["not_verified"]]
    link = f"[{one['id']}](drivers/{one['id']}/README.md)<br>{one['name']}"
    return [
        link, ", ".join(one["models"]), one["class"], one["protocol"], one["direction"], one["checksum"], one["tier"], "; ".join(unsure)
    ]  # fmt: skip


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def placed(page: str, table: str, marks: tuple[str, str] = (BEGIN, END)) -> str | None:
    """The page with the table between its markers; None where it has none."""
    before, begin, rest = page.partition(marks[0])
    _, end, after = rest.partition(marks[1])
    return f"{before}{begin}\n{table}\n{end}{after}" if begin and end else None
