"""``rbac routes``: the endpoints of an application, or of a routes file."""

from typing import Annotated

import typer

from rbac.cli.options import FormatOption
from rbac.cli.output import emit_json, say, stdout
from rbac.routes import load_routes

EXAMPLE = """Example: save an application's endpoints beside the policy, where every other command finds them.

    rbac routes app.main:app --format json > routes.json
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("routes", epilog=EXAMPLE)(routes)


def routes(
    application: Annotated[
        str, typer.Argument(metavar="APP", help="A FastAPI application (module:attribute) or a routes.json.")
    ],
    output: FormatOption = "text",
) -> None:
    """List the endpoints of a FastAPI application. Importing it starts nothing."""
    known = load_routes(application)
    if output == "json":
        emit_json([{"act": route.act, "obj": route.obj, "name": route.name} for route in known])
        return
    console = stdout()
    acts = max((len(route.act) for route in known), default=0)
    objs = max((len(route.obj) for route in known), default=0)
    for route in known:
        say(console, f"{route.act:<{acts}}  {route.obj:<{objs}}  ", (route.name, "dim"))
