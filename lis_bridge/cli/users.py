"""``lis-bridge users``: who may use the console. Works beside a running service; there is no default password."""

from __future__ import annotations

import secrets
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lis_bridge.cli.database import database
from lis_bridge.cli.output import By, ConfigFile, Json, document, table
from lis_bridge.core.faults import UsageError

if TYPE_CHECKING:
    from lis_bridge.console.accounts.users import Note

app = typer.Typer(no_args_is_help=True, help="Who may use the console.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name to log in with.", show_default=False)]
Role = Annotated[
    Literal["viewer", "technician", "engineer"],
    typer.Option("--role", help="viewer looks, technician decides about results, engineer also changes users and settings."),
]
Stdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input, for scripts.")]
Made = Annotated[bool, typer.Option("--generate", help="Make a password and print it once.")]


@app.command("add", epilog="Example: lis-bridge users add lin --role engineer -c bridge.toml")
def add(
    name: Name,
    config: ConfigFile,
    by: By,
    role: Role = "technician",
    shown_as: Annotated[str, typer.Option("--shown-as", metavar="TEXT", help="How the name is shown, such as 林若岚.")] = "",
    language: Annotated[Literal["zh", "en"], typer.Option("--language", help="The console's language.")] = "zh",
    password_stdin: Stdin = False,
    generate: Made = False,
) -> None:
    """Make a user; the password is asked for on the terminal."""
    from lis_bridge.console.accounts import users

    password = _password(password_stdin, generate)
    with database(config) as (_, store), store.write() as tx:
        made = users.add(tx, name, password, role, _note(by), shown_as=shown_as, language=language)
    typer.echo(f"{made.name} is {made.role}" + (f", password {password}" if generate else ""))


@app.command("list", epilog="Example: lis-bridge users list -c bridge.toml")
def list_(config: ConfigFile, json: Json = False) -> None:
    """All users with their roles."""
    from lis_bridge.console.accounts import users

    with database(config) as (_, store), store.read() as tx:
        found = users.every(tx)
    if json:
        document(found)
        return
    rows = [(one.name, one.shown_as, one.role, one.language, "disabled" if one.disabled else "") for one in found]
    table(("user", "shown as", "role", "language", ""), rows, empty="there are none: add an engineer first")


@app.command("role", epilog="Example: lis-bridge users role lin engineer -c bridge.toml")
def role(
    name: Name,
    role: Annotated[Literal["viewer", "technician", "engineer"], typer.Argument(metavar="ROLE", show_default=False)],
    config: ConfigFile,
    by: By,
) -> None:
    """Give a user another role."""
    from lis_bridge.console.accounts import users

    with database(config) as (_, store), store.write() as tx:
        users.set_role(tx, name, role, _note(by))
    typer.echo(f"{name} is {role}")


@app.command("password", epilog="Example: lis-bridge users password lin -c bridge.toml")
def password(name: Name, config: ConfigFile, by: By, password_stdin: Stdin = False, generate: Made = False) -> None:
    """Give a user another password; the user's sessions end."""
    from lis_bridge.console.accounts import users

    chosen = _password(password_stdin, generate)
    with database(config) as (_, store), store.write() as tx:
        users.set_password(tx, name, chosen, _note(by))
    typer.echo(f"{name} has a new password" + (f", {chosen}" if generate else ""))


@app.command("disable", epilog="Example: lis-bridge users disable lin -c bridge.toml")
def disable(
    name: Name,
    config: ConfigFile,
    by: By,
    undo: Annotated[bool, typer.Option("--undo", help="Let the user in again.")] = False,
) -> None:
    """Lock a user out at once; what the user did stays in the audit log."""
    from lis_bridge.console.accounts import users

    with database(config) as (_, store), store.write() as tx:
        users.set_disabled(tx, name, not undo, _note(by))
    typer.echo(f"{name} may log in" if undo else f"{name} is locked out")


@app.command("token", epilog='Example: lis-bridge users token jiang --for "night export" --role viewer -c bridge.toml')
def token(
    name: Name,
    config: ConfigFile,
    by: By,
    for_: Annotated[str, typer.Option("--for", metavar="TEXT", help="What the script does.", show_default=False)],
    role: Role = "viewer",
    json: Json = False,
) -> None:
    """Make a token with which a script uses the API in this user's name, and print it once."""
    from lis_bridge.console.accounts import tokens

    with database(config) as (_, store), store.write() as tx:
        made = tokens.add(tx, name, for_, role, _note(by))
    document({"token": made}) if json else typer.echo(made)


@app.command("tokens", epilog="Example: lis-bridge users tokens -c bridge.toml")
def tokens_(config: ConfigFile, json: Json = False) -> None:
    """Every token that was made, without the token itself."""
    from lis_bridge.console.accounts import tokens

    with database(config) as (_, store), store.read() as tx:
        found = tokens.every(tx)
    if json:
        document(found)
        return
    rows = [(one.id, one.user, one.role, one.name, one.created_at, one.revoked_at) for one in found]
    table(("token", "user", "role", "for", "made, UTC", "revoked, UTC"), rows, empty="there are none")


@app.command("revoke", epilog="Example: lis-bridge users revoke 3 -c bridge.toml")
def revoke(
    token: Annotated[int, typer.Argument(metavar="TOKEN", help="Its number, as tokens shows it.", show_default=False)],
    config: ConfigFile,
    by: By,
) -> None:
    """End a token at once."""
    from lis_bridge.console.accounts import tokens

    with database(config) as (_, store), store.write() as tx:
        tokens.revoke(tx, token, _note(by))
    typer.echo(f"token {token} is revoked")


def _note(by: str) -> Note:
    from lis_bridge.console.accounts.users import Note

    return Note(by, datetime.now(UTC))


def _password(from_stdin: bool, generate: bool) -> str:
    if generate:
        return secrets.token_urlsafe(12)
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        hint = "add --password-stdin or --generate"
        raise UsageError("there is no terminal to ask at", where="lis-bridge users", hint=hint)
    chosen: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return chosen
