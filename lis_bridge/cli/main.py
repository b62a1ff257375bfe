"""``lis-bridge``: finds the command, runs it, and turns what it says into an exit code.

An error that a user can mend is one line on standard error, ``where: what (hint)``, never a traceback; anything else is a defect and shows one.
"""

from __future__ import annotations

import importlib
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

from lis_bridge.cli.commands import COMMANDS, Command, built
from lis_bridge.cli.exits import Exit, code_of
from lis_bridge.core.faults import BridgeError

_BY_NAME = {command.name: command for command in COMMANDS}


class _Lazy(TyperGroup):
    """A group that imports a command's module when the command is named."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [command.name for command in COMMANDS if built(command)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        command = _BY_NAME.get(cmd_name)
        return _load(command) if command is not None and built(command) else None


def _load(command: Command) -> Any:
    """The click command behind a name."""
    found = getattr(importlib.import_module(f"lis_bridge.cli.{command.module}"), command.attribute)
    holder = typer.Typer(add_completion=False, rich_markup_mode="rich")
    if isinstance(found, typer.Typer):
        holder.add_typer(found, name=command.name, rich_help_panel=command.panel)
    else:
        holder.command(command.name, rich_help_panel=command.panel)(found)
    return get_group(holder).commands[command.name]


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"lis-bridge {version('lis-bridge')}")
        raise typer.Exit


def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Stands between a laboratory's analyzers and its LIS.

    Exit codes: 0 done, 1 not so or with findings, 2 usage, 3 configuration, 4 storage, 5 link, 6 driver.
    """


def _leave(code: int | None, **_: object) -> None:
    """A command's value is its exit code."""
    raise typer.Exit(code or 0)


def _group() -> Any:
    app = typer.Typer(cls=_Lazy, name="lis-bridge", no_args_is_help=True, add_completion=False, rich_markup_mode="rich")
    app.callback(result_callback=_leave)(_root)
    group = get_group(app)
    group.commands = dict.fromkeys(command.name for command in COMMANDS if built(command))  # type: ignore[assignment]  # for "did you mean"
    return group


def main(arguments: list[str] | None = None) -> None:
    """Runs one command and leaves with its exit code."""
    try:
        _group().main(args=arguments, prog_name="lis-bridge")
    except BridgeError as error:
        typer.echo(str(error), err=True)
        sys.exit(code_of(error))
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)


if __name__ == "__main__":
    main()
