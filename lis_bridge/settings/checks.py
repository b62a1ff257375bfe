"""What no single key shows: ids given twice, two links on one port, options that contradict each other, and what is merely unwise."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from urllib.parse import urlsplit

from lis_bridge.settings.links import host_and_port
from lis_bridge.settings.models import Analyzer, Config, Console, Destination, Tls
from lis_bridge.settings.nearest import did_you_mean
from lis_bridge.settings.source import Location

ANYWHERE = frozenset({"0.0.0.0", "::", "*"})
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True)
class Finding:
    """Something about a configuration, with the key that it is about."""

    location: Location
    what: str
    hint: str


def refusals(config: Config) -> tuple[Finding, ...]:
    """What makes a configuration unusable although every key is fine by itself."""
    return (
        *_twice("analyzer", config.analyzers),
        *_twice("destination", config.destinations),
        *_shared_links(config),
        *_tls(config),
        *_console_tls(config),
        *_driver_folders(config),
        *_files_dated_at_reception(config),
    )


def unknown_drivers(config: Config, drivers: Collection[str] | None) -> Iterator[Finding]:
    """Analyzers whose driver is not on the shelf; nothing is known of the shelf where ``drivers`` is None."""
    for index, analyzer in enumerate(config.analyzers):
        if drivers is not None and analyzer.driver not in drivers:
            hint = did_you_mean(analyzer.driver, drivers) or "lis-bridge driver list shows all"
            yield Finding(("analyzer", index, "driver"), f"unknown driver {analyzer.driver!r}", hint)


def warnings(config: Config, *, marks_controls: Callable[[str], bool]) -> tuple[Finding, ...]:
    """What works and is unwise; ``marks_controls`` says of a driver whether its device marks control material itself (promise 6)."""
    return (
        *_emptiness(config),
        *_unmarked_controls(config, marks_controls),
        *_dated_at_reception(config),
        *_weak_destinations(config),
        *_console(config),
    )


def _twice(table: str, rows: Iterable[Analyzer | Destination]) -> Iterator[Finding]:
    first: dict[str, int] = {}
    for index, row in enumerate(rows):
        if first.setdefault(row.id, index) != index:
            yield Finding((table, index, "id"), f"{table} {row.id!r} is there twice", "Give each its own id")


def _shared_links(config: Config) -> Iterator[Finding]:
    for (_, first), (index, second) in combinations(enumerate(config.analyzers), 2):
        shared = _shared(first.link, second.link)
        if shared:
            hint = "Give each analyzer its own link"
            yield Finding(("analyzer", index, "link"), f"analyzers {first.id!r} and {second.id!r} share {shared}", hint)
    for index, analyzer in enumerate(config.analyzers):
        if config.console.enabled and _shared(analyzer.link, f"tcp-listen://{config.console.listen}"):
            yield Finding(
                ("analyzer", index, "link"), f"analyzer {analyzer.id!r} and the console share a port", "Give each its own port"
            )


def _shared(one: str, other: str) -> str:
    """What two links cannot both have, or nothing."""
    first, second = urlsplit(one), urlsplit(other)
    if first.scheme != second.scheme:
        return ""
    if first.scheme == "tcp-listen":
        (host, port), (other_host, other_port) = host_and_port(first.netloc), host_and_port(second.netloc)
        overlap = host == other_host or not ANYWHERE.isdisjoint((host, other_host))
        return f"port {port}" if port == other_port and overlap else ""
    if first.scheme == "serial":
        # Without a path the parameters name the device (USB identity).
        return first.netloc + first.path if (first.netloc, first.path) == (second.netloc, second.path) else ""
    return one if one == other else ""


def _tls(config: Config) -> Iterator[Finding]:
    for index, destination in enumerate(config.destinations):
        location: Location = ("destination", index, "tls")
        if destination.tls is None:
            continue
        if not destination.link.startswith("mllps://"):
            yield Finding(
                location, f"certificates for {destination.link}, which is not encrypted", "Write mllps:// or drop the table"
            )
        if destination.tls.key is not None and destination.tls.certificate is None:
            yield Finding((*location, "key"), "a key without a certificate", "Name the certificate too")
        yield from _missing(destination.tls, ("ca", "certificate", "key"), location)


def _console_tls(config: Config) -> Iterator[Finding]:
    if config.console.key is not None and config.console.certificate is None:
        yield Finding(("console", "key"), "a key without a certificate", "Name the certificate too")
    yield from _missing(config.console, ("certificate", "key"), ("console",))


def _missing(table: Console | Tls, names: Iterable[str], location: Location) -> Iterator[Finding]:
    for name in names:
        file = getattr(table, name)
        if file is not None and not file.is_file():
            yield Finding((*location, name), f"no such file: {file}", "Relative paths count from the configuration file")


def _driver_folders(config: Config) -> Iterator[Finding]:
    for folder in config.drivers.paths:
        if not folder.is_dir():
            hint = "Relative paths count from the configuration file; lis-bridge driver install makes the folder"
            yield Finding(("drivers", "paths"), f"no such folder: {folder}", hint)


def _files_dated_at_reception(config: Config) -> Iterator[Finding]:
    for index, analyzer in enumerate(config.analyzers):
        if analyzer.number_date == "reception" and analyzer.link.startswith("folder:"):
            what = f"analyzer {analyzer.id!r}: when a file was found says nothing of the day of its numbers"
            yield Finding(
                ("analyzer", index, "number_date"), what, "Take it out; numbers without a date are then held for a person"
            )


def _emptiness(config: Config) -> Iterator[Finding]:
    if not config.analyzers:
        yield Finding((), "no [[analyzer]]: nothing will come in", "Add one; lis-bridge driver list shows the drivers")
    if not config.destinations:
        yield Finding((), "no [[destination]]: results are kept and go nowhere", "Add the LIS")


def _unmarked_controls(config: Config, marks_controls: Callable[[str], bool]) -> Iterator[Finding]:
    for index, analyzer in enumerate(config.analyzers):
        listed = analyzer.controls.ids or analyzer.controls.prefixes
        if not listed and not marks_controls(analyzer.driver):
            what = f"analyzer {analyzer.id!r}: neither driver nor site says which specimens are controls"
            yield Finding(("analyzer", index), what, "Add [analyzer.controls] with ids or prefixes")


def _dated_at_reception(config: Config) -> Iterator[Finding]:
    for index, analyzer in enumerate(config.analyzers):
        if analyzer.number_date == "reception":
            what = f"analyzer {analyzer.id!r}: a running number that is sent after midnight, or sent again on another day, is filed under that day"
            hint = "See that it sends at once and nobody sends from its memory later; a barcode needs no date"
            yield Finding(("analyzer", index, "number_date"), what, hint)


def _weak_destinations(config: Config) -> Iterator[Finding]:
    for index, destination in enumerate(config.destinations):
        if destination.ack != "strict":
            what = f"destination {destination.id!r}: ack = {destination.ack!r} cannot tell which message the LIS took"
            yield Finding(("destination", index, "ack"), what, "Have the LIS return MSH-10 in MSA-2, then use strict")
        if destination.tls is not None and not destination.tls.verify:
            what = f"destination {destination.id!r}: the LIS's certificate is not checked"
            yield Finding(("destination", index, "tls", "verify"), what, "Name its authority in ca, then drop verify = false")


def _console(config: Config) -> Iterator[Finding]:
    host, _ = host_and_port(config.console.listen)
    if config.console.enabled and host not in LOOPBACK and config.console.certificate is None:
        what = f"the console listens on {host}, where others can reach it without encryption"
        hint = "Listen on 127.0.0.1, or give [console] a certificate and a key"
        yield Finding(("console", "listen"), what, hint)
