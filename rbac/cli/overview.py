"""The help of `rbac` itself, laid out as typer lays it out: its options, and a line or two of each command.

None of it is Markdown, so that nothing is imported that reads Markdown and colours code, which is more than all the rest.
A command's own help is typer's.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from rich.columns import Columns
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from typer.core import TyperOption

from rbac.cli.output import stdout

_DIM: Final = "dim"
_LONG: Final = "bold cyan"
_SHORT: Final = "bold green"
# Long and short names, those of the opposite, and the type: what no option has takes its two columns of space all the same.
_BETWEEN: Final = ("", "", "")


def print_overview(
    usage: str, help_text: str, options: Iterable[TyperOption], commands: Mapping[str, str]
) -> None:
    """Writes it to stdout: how to call it, what it is, its ``options`` and ``commands``."""
    console = stdout()
    called = Text(usage)
    called.highlight_regex("^Usage: ", "yellow")
    console.print(Padding(called, 1), style="bold")
    first, *others = help_text.split("\n\n")
    console.print(Padding(Text(first), (0, 1)))
    console.print(Padding(Text("\n" + "\n\n".join(others), style=_DIM), (0, 1, 1, 1)))
    console.print(_panel("Options", _options(options)))
    console.print(_panel("Commands", _commands(commands)))


def _panel(title: str, table: Table) -> Panel:
    return Panel(table, border_style=_DIM, title=title, title_align="left")


def _options(options: Iterable[TyperOption]) -> Table:
    table = _table()
    for option in options:
        names = [
            ",".join(one for one in option.opts if one.startswith("--") is long) for long in (True, False)
        ]
        table.add_row(
            Text(names[0], _LONG), Text(names[1], _SHORT), *_BETWEEN, Columns([Text(option.help or "")])
        )
    return table


def _commands(commands: Mapping[str, str]) -> Table:
    table = _table()
    table.add_column(style=_LONG, no_wrap=True, width=max(map(len, commands)))
    table.add_column(ratio=10)
    for name, said in commands.items():
        table.add_row(Text(name), Text(said))
    return table


def _table() -> Table:
    return Table(show_header=False, expand=True, box=None, pad_edge=False, padding=(0, 1))
