"""``priorauth audit``: needs the database only, in a role that may only read. Each command is a module of its own."""

import typer

from services.cli.audit_access import accesses_command
from services.cli.audit_as_of import as_of_command
from services.cli.audit_bundle import check_command, export_command
from services.cli.audit_checkpoint import checkpoint_command, consistency_command, keygen_command
from services.cli.audit_replay import replay_command
from services.cli.audit_verify import verify_command
from services.cli.audit_what_if import what_if_command

app = typer.Typer(no_args_is_help=True, help=__doc__)

app.command("verify")(verify_command)
app.command("checkpoint")(checkpoint_command)
app.command("consistency")(consistency_command)
app.command("keygen")(keygen_command)
app.command("as-of")(as_of_command)
app.command("replay")(replay_command)
app.command("what-if")(what_if_command)
app.command("export")(export_command)
app.command("check")(check_command)
app.command("accesses")(accesses_command)
