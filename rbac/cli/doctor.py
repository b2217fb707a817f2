"""``rbac doctor``: whether the issuer is set up as the policy needs it."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Final

import typer

from rbac.cli import options
from rbac.cli.output import NO, SEVERITY_STYLE, UNABLE, emit_json, say, stdout
from rbac.errors import RbacError
from rbac.installed import brought_by
from rbac.model.imported import REFERENCE, NotImportedError, imported
from rbac.text.wording import counted

if TYPE_CHECKING:  # the guard is an extra
    from rbac.doctor.examination import Examination
    from rbac.doctor.issuer_setup import IssuerSetup

EXAMPLE = """Examples: the service's own issuer, by its settings; a user pool; any OpenID provider.

    rbac doctor
    rbac doctor --pool eu-west-1_AbC123xyz --client 1h57kf5cpq17m0eml12EXAMPLE
    rbac doctor --issuer https://id.example.com/realms/shop
"""

# The service's own, where the command runs in its folder. Nobody else's `app` is imported for it.
_SERVICE: Final = "app.provider:service_issuer_setup"
_SERVICE_FILES: Final = (Path("app/provider.py"), Path("app/settings/fields.py"))


class DoctorUsageError(RbacError):
    """Nothing says what is to be examined, or it cannot be made."""

    code: ClassVar[str] = "doctor_usage"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor", epilog=EXAMPLE)(doctor)


PoolOption = Annotated[
    str | None,
    typer.Option("--pool", metavar="ID", help="An Amazon Cognito user pool.", show_default=False),
]
AppClientsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--client", metavar="ID", help="Its app client; several times for several.", show_default=False
    ),
]
DomainOption = Annotated[
    str, typer.Option("--domain", metavar="HOST", help="Where its users sign in.", show_default=False)
]
EndpointOption = Annotated[
    str,
    typer.Option(
        "--endpoint", metavar="URL", help="Where the pool is, if it is not at AWS.", show_default=False
    ),
]
IssuerOption = Annotated[
    str | None,
    typer.Option("--issuer", metavar="URL", help="An OpenID provider.", show_default=False),
]
RoleClaimsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--role-claim",
        metavar="CLAIM",
        help="What holds roles; several times for several. Default: custom:role.",
        show_default=False,
    ),
]
SetupOption = Annotated[
    str | None,
    typer.Option(
        "--setup",
        metavar="MODULE:NAME",
        help="A function of your own that gives an IssuerSetup. Default: the service's settings, in its folder.",
        show_default=False,
    ),
]
UsersOption = Annotated[
    int, typer.Option("--users", metavar="NUMBER", min=1, help="Users that are looked at, at most.")
]
IgnoreOption = Annotated[
    list[str] | None,
    typer.Option(
        "--ignore",
        metavar="CODE",
        help="A finding that is meant to be so; several times for several.",
        show_default=False,
    ),
]


def doctor(  # noqa: PLR0913, PLR0917 - each is an option of the command
    context: typer.Context,
    pool: PoolOption = None,
    clients: AppClientsOption = None,
    domain: DomainOption = "",
    endpoint: EndpointOption = "",
    issuer: IssuerOption = None,
    role_claims: RoleClaimsOption = None,
    development: Annotated[
        bool, typer.Option("--development", help="Not production: sign-ins may lead to this machine.")
    ] = False,
    reference: SetupOption = None,
    users: UsersOption = 10_000,
    ignored: IgnoreOption = None,
    model: options.ModelOption = options.MODEL,
    policy: options.PolicyOption = options.POLICY,
    subjects: options.SubjectsOption = None,
    output: options.FormatOption = "text",
) -> None:
    """Look at the issuer's settings, and say what is dangerous, what cannot work, and what mends it. Nothing is changed.

    Exit code 1 if there is any finding, 2 if there is none and not everything could be looked at. Of a user pool it asks
    AWS (boto3, with the credentials of your shell), read-only; of every issuer, what it publishes.
    """
    setup = _setup(context, reference, pool, clients, issuer, role_claims, domain, endpoint, development)
    given = _typed(context, "policy") or _typed(context, "model")
    if given or (setup.policy is None and (pool or issuer) and policy.exists()):
        setup = replace(setup, policy=options.policy_of(model, policy, None, subjects))
    from rbac.doctor.examination import examine
    from rbac.doctor.finding import CODES

    unheard_of = [code for code in ignored or () if code not in CODES]
    if unheard_of:
        raise typer.BadParameter(f"there is no finding `{unheard_of[0]}`", param_hint="--ignore")
    examination = examine(replace(setup, most_users=users))
    kept = tuple(each for each in examination.findings if each.code not in (ignored or ()))
    examination = replace(examination, findings=kept)
    if output == "json":
        emit_json({"issuer": setup.issuer, **examination.to_json()})
    else:
        _as_text(setup, examination)
    if kept:
        raise typer.Exit(NO)
    if not examination.complete:
        raise typer.Exit(UNABLE)


def _typed(context: typer.Context, parameter: str) -> bool:
    source = context.get_parameter_source(parameter)
    return source is not None and source.name == "COMMANDLINE"


def _setup(  # noqa: PLR0913, PLR0917 - what the options say
    context: typer.Context,
    reference: str | None,
    pool: str | None,
    clients: list[str] | None,
    issuer: str | None,
    role_claims: list[str] | None,
    domain: str,
    endpoint: str,
    development: bool,
) -> "IssuerSetup":
    """Whom the options name, or else the settings. Raises DoctorUsageError, NotImportedError, what a reference raises."""
    if sum(each is not None for each in (reference, pool, issuer)) > 1:
        raise typer.BadParameter("say what to examine: one of --pool, --issuer and --setup")
    if pool is None and any(_typed(context, each) for each in ("clients", "domain", "endpoint")):
        raise typer.BadParameter("--client, --domain and --endpoint are of a user pool: --pool")
    if pool is None and issuer is None:
        return _referenced(reference)
    with brought_by("guard"):
        from rbac.doctor.issuer_setup import of_issuer, of_pool
    try:
        if issuer is not None:
            return of_issuer(issuer, role_claims or (), production=not development)
        return of_pool(
            pool or "",
            clients or (),
            role_claims or ("custom:role",),
            domain=domain,
            endpoint=endpoint,
            production=not development,
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _referenced(reference: str | None) -> "IssuerSetup":
    if reference is None and not all(path.exists() for path in _SERVICE_FILES):
        raise DoctorUsageError(
            "say what to examine: --pool ID --client ID, --issuer URL or --setup MODULE:NAME; the service's settings are "
            "read in its own folder"
        )
    reference = reference or _SERVICE
    if not REFERENCE.fullmatch(reference):
        raise typer.BadParameter(f"`{reference}` is not `module:name`", param_hint="--setup")
    with brought_by("guard"):
        from rbac.doctor.issuer_setup import IssuerSetup
    make = imported(reference)
    made = make() if callable(make) else make
    if not isinstance(made, IssuerSetup):
        raise NotImportedError(f"`{reference}` gives no `rbac.doctor.issuer_setup.IssuerSetup`")
    return made


def _as_text(setup: "IssuerSetup", examination: "Examination") -> None:
    console = stdout()
    for each in examination.findings:
        style = SEVERITY_STYLE[each.weight]
        say(
            console,
            (each.about, "bold"),
            ": ",
            (each.weight, style),
            f": {each.message} ",
            (f"[{each.code}]", "dim"),
            hang=4,
        )
        say(console, ("  = ", "dim"), ("fix: ", "bold"), each.fix, whole=True)
    reasons: dict[tuple[str, str], list[str]] = {}
    for unseen in examination.unseen:
        reasons.setdefault((unseen.reason, unseen.fix), []).append(unseen.check)
    for (reason, fix), checks in reasons.items():
        say(console, ("not checked: ", "bold yellow"), f"{', '.join(checks)}: {reason}", hang=4)
        if fix:
            say(console, ("  = ", "dim"), ("fix: ", "bold"), fix, whole=True)
    checked = f"{counted(len(examination.seen), 'check')} made"
    missing = f", {len(examination.unseen)} could not be" if examination.unseen else ""
    found = counted(len(examination.findings), "finding") if examination.findings else "no finding"
    say(console, (f"{setup.issuer}: {found}", "bold"), f"  ({checked}{missing})")
