"""The command `unoqa`: finds a command's file by its name and loads it only when it runs.

`unoqa --help` reads the first line of each file's docstring as text, so that no library is imported for it.
"""

from __future__ import annotations

import ast
import pkgutil
from importlib import import_module, resources
from typing import TYPE_CHECKING, Any, final

import typer
from typer.core import TyperGroup

from unoqa.cli.parts.exits import errors_reported, reporting_errors
from unoqa.version import __version__

if TYPE_CHECKING:
    from typer import Context

COMMANDS = "unoqa.cli"


@final
class Commands(TyperGroup):
    """The commands that stand as files beside this folder."""

    def list_commands(self, ctx: Context) -> list[str]:  # type: ignore[override]
        """List them in the order of use."""
        del ctx
        found = [module.name for module in pkgutil.iter_modules(import_module(COMMANDS).__path__)]
        order = ["demo", "fit", "grade", "settle", "evaluate", "reproduce", "choices", "weights"]
        return sorted((name for name in found if name != "parts"), key=lambda name: _place(name, order))

    def get_command(self, ctx: Context, cmd_name: str) -> Any:  # type: ignore[override]  # noqa: ANN401 - typer vendors its own Command
        """Return what the list of commands needs of one: its name and first sentence."""
        if cmd_name not in self.list_commands(ctx):
            return None
        light = typer.Typer(add_completion=False)
        light.command(cmd_name, help=_first_line(cmd_name))(lambda: None)
        return typer.main.get_command(light)

    def resolve_command(self, ctx: Context, args: list[str]) -> Any:  # type: ignore[override]  # noqa: ANN401 - as above
        """Return the command to run, imported now."""
        name, _, rest = super().resolve_command(ctx, args)
        if name is None:
            return name, None, rest
        with errors_reported():  # it takes a second, in which somebody may think better of it
            module = import_module(f"{COMMANDS}.{name}")
        full = typer.Typer(add_completion=False)
        full.command(name, help=module.__doc__)(reporting_errors(getattr(module, name)))
        return name, typer.main.get_command(full), rest


def _place(name: str, order: list[str]) -> tuple[int, str]:
    return (order.index(name) if name in order else len(order), name)


def _first_line(name: str) -> str:
    source = (resources.files(COMMANDS) / f"{name}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").splitlines()[0]


def _show_version(wanted: bool) -> bool:
    if wanted:
        typer.echo(f"unoqa {__version__}")
        raise typer.Exit
    return wanted


application = typer.Typer(
    name="unoqa",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@application.callback()
def _unoqa(
    version: bool = typer.Option(
        False, "--version", callback=_show_version, is_eager=True, help="Show the version and end."
    ),
) -> None:
    """Grade the quality of OCTA images without labels.

    Fit on your own outstanding scans; then grade any scan outstanding, gradable or ungradable.
    For research use; not a medical device.
    """
