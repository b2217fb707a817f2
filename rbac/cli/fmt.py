"""``rbac fmt``: the document tidied."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from rbac.cli import options
from rbac.cli.output import NO, emit_json, emit_text, say, stdout
from rbac.document.document import Document, check_bytes
from rbac.document.formatting import format_model, format_policy
from rbac.editing import replace
from rbac.errors import RbacError
from rbac.model.definition import read_model
from rbac.model.own_functions import OwnFunctions
from rbac.text.source import decode

EXAMPLE = """Examples: tidy the files; only ask, in a pipeline; look first.

    rbac fmt
    rbac fmt --check
    rbac fmt --stdout | diff policy.csv -
"""


class MeaningChangedError(RbacError):
    """A document that would not mean the same when tidied: it is left alone."""

    code: ClassVar[str] = "meaning_changed"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("fmt", epilog=EXAMPLE)(fmt)


def fmt(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit code 1 if something would change.")
    ] = False,
    to_stdout: Annotated[
        bool, typer.Option("--stdout", help="Change nothing; print the tidied policy.")
    ] = False,
    model: options.ModelOption = options.MODEL,
    policy: options.PolicyOption = options.POLICY,
    functions: options.FunctionsOption = None,
    output: options.FormatOption = "text",
) -> None:
    """Tidy the policy and its model: columns aligned, no stray bytes or empty columns, comments kept.

    The meaning stays what it was. A line that cannot be read stays as it is, for `rbac check` to explain.
    """
    before = {path: path.read_bytes() for path in (model, policy)}
    after = _tidied(model, policy, before)
    _check_meaning(model, policy, before, after, options.functions_of(functions))
    changed = [path for path in before if before[path] != after[path]]
    if to_stdout:
        emit_text(after[policy].decode())
    else:
        if not check:
            for path in changed:
                replace(path, after[path])
        _report(changed, output, check=check)
    if check and changed:
        raise typer.Exit(NO)


def _tidied(model: Path, policy: Path, before: Mapping[Path, bytes]) -> dict[Path, bytes]:
    source = decode(before[model], str(model))
    definition = read_model(source.text, str(model))[0] if source.text is not None else None
    return {
        model: format_model(before[model], name=str(model)).encode(),
        policy: format_policy(before[policy], definition, name=str(policy)).encode(),
    }


def _check_meaning(
    model: Path,
    policy: Path,
    before: Mapping[Path, bytes],
    after: Mapping[Path, bytes],
    functions: OwnFunctions,
) -> None:
    old, new = (
        check_bytes(
            files[model],
            files[policy],
            model_name=str(model),
            policy_name=str(policy),
            functions=functions,
        )[0]
        for files in (before, after)
    )
    if old is not None and (new is None or _meaning(old) != _meaning(new)):
        raise MeaningChangedError(f"`{policy}` would not mean the same when tidied, and is left as it is")


def _meaning(document: Document) -> object:
    definition = document.definition
    said = (
        definition.requests,
        definition.policies,
        definition.effects,
        definition.matchers,
        definition.roles,
    )
    return [dict(part) for part in said], [(rule.ptype, rule.fields) for rule in document.rules()]


def _report(changed: Sequence[Path], output: str, *, check: bool) -> None:
    if output == "json":
        emit_json({"changed": [str(path) for path in changed]})
        return
    console = stdout()
    for path in changed:
        say(console, (str(path), "bold"), " would be tidied" if check else ": tidied")
    if not changed:
        say(console, "nothing to tidy")
