"""The command `unoqa`: finds a command's file by its name and loads it only when it runs.

`unoqa --help` reads the first line of each file's docstring as text, so that no library is imported for it.
"""

from __future__ import annotations

import ast
import inspect
import pkgutil
import re
from difflib import get_close_matches
from importlib import import_module, resources
from typing import TYPE_CHECKING, Any, final

import typer
from typer.core import TyperGroup

from unoqa.cli.parts.exit_status import report_errors, report_errors_of
from unoqa.cli.parts.process import collect_rarely
from unoqa.version import __version__

if TYPE_CHECKING:
    from typer import Context

COMMANDS = "unoqa.cli"

ORDER = (
    "guide",
    "app",
    "demo",
    "fit",
    "grade",
    "join",
    "serve",
    "watch",
    "selftest",
    "qualify",
    "settle",
    "monitor",
    "check",
    "report",
    "review",
    "export",
    "correct",
    "evaluate",
    "calibrate",
    "info",
    "clean",
    "reproduce",
    "choices",
    "weights",
)
"""The order of use, in which the help lists the commands; others follow by name."""


@final
class Commands(TyperGroup):
    """The commands: every file in the folder `cli/`."""

    def list_commands(self, ctx: Context) -> list[str]:  # type: ignore[override]
        """List the names of the commands."""
        del ctx
        found = [module.name for module in pkgutil.iter_modules(import_module(COMMANDS).__path__)]
        return sorted((name for name in found if name != "parts"), key=_rank)

    def get_command(self, ctx: Context, cmd_name: str) -> Any:  # type: ignore[override]  # noqa: ANN401 - typer vendors its own Command
        """Return what the list of commands shows of one: its name and the first line of its help."""
        if cmd_name not in self.list_commands(ctx):
            return None
        light = typer.Typer(add_completion=False)
        light.command(cmd_name, help=_read_summary(cmd_name))(lambda: None)
        return typer.main.get_command(light)

    def resolve_command(self, ctx: Context, args: list[str]) -> Any:  # type: ignore[override]  # noqa: ANN401 - as above
        """Import the command to run and return it; a name that does not exist is answered with the nearest."""
        if not args[0].startswith("-") and args[0] not in self.list_commands(ctx):
            ctx.fail(_suggest(args[0], self.list_commands(ctx)))
        name, _, rest = super().resolve_command(ctx, args)
        if name is None:
            return name, None, rest
        with report_errors(), collect_rarely():  # Ctrl-C may come during the import, which takes a second
            module = import_module(f"{COMMANDS}.{name}")
        full = typer.Typer(add_completion=False, rich_markup_mode="rich")
        full.command(name, help=_unwrap(module.__doc__ or ""))(report_errors_of(getattr(module, name)))
        return name, typer.main.get_command(full), rest


def _rank(name: str) -> tuple[int, str]:
    return (ORDER.index(name) if name in ORDER else len(ORDER), name)


def _suggest(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    return f"There is no command {name!r}" + (f"; did you mean '{near[0]}'?" if near else f"; use {', '.join(known)}.")


def _read_summary(name: str) -> str:
    source = (resources.files(COMMANDS) / f"{name}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").splitlines()[0]


def _unwrap(text: str) -> str:
    """Join the lines of each paragraph, so that the terminal's width wraps them; indented lines stay as they are."""
    return re.sub(r"(?<=\S)\n(?=\S)", " ", inspect.cleandoc(text))


def _show_version(requested: bool) -> bool:
    if requested:
        typer.echo(f"unoqa {__version__}")
        raise typer.Exit
    return requested


application = typer.Typer(
    name="unoqa",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@application.callback()
def _unoqa(
    version: bool = typer.Option(
        False, "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
    ),
) -> None:
    """Grade the quality of OCTA en-face images without labels.

    Fit a model to your own outstanding scans. The model then grades any scan
    as outstanding, gradable or ungradable.
    For research use; not a medical device.

    Examples:

      unoqa demo
      unoqa fit outstanding/ -o model
      unoqa grade clinic/ -m model -o results
    """
