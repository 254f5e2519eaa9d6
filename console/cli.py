"""The `freshpipe` command, assembled from its parts."""

from __future__ import annotations

import sys

import typer
from pydantic import ValidationError

from connectors.errors import CallFailed
from console.commands import accounts, documents, local, processes, records
from console.onboarding import CannotConnect
from console.output import FAILED, USAGE, stop
from deploy.local.errors import CannotStart
from schemas.sealing import BadKey
from streams.errors import AlreadyThere, DatabaseAway, NotThere
from streams.migrations import MigrationsBusy
from streams.topics_admin import TopicsWrong

RUN, SET_UP, LOOK, WRITE = "Run", "Set up", "Look", "Write apps"
COMMANDS = (
    (RUN, "up", local.up),
    (RUN, "demo", local.demo),
    (RUN, "migrate", processes.migrate),
    (RUN, "webhooks", processes.webhooks),
    (RUN, "worker", processes.worker),
    (RUN, "crawler", processes.crawler),
    (RUN, "historian", processes.historian),
    (RUN, "console", processes.console),
    (RUN, "sandbox", processes.sandbox),
    (SET_UP, "tenant", accounts.tenant),
    (SET_UP, "connect", accounts.connect),
    (SET_UP, "secret", accounts.secret),
    (SET_UP, "reconnect", accounts.reconnect),
    (SET_UP, "install", accounts.install),
    (SET_UP, "pause", accounts.pause),
    (SET_UP, "resume", accounts.resume),
    (LOOK, "status", records.status),
    (LOOK, "trail", records.trail),
    (LOOK, "attention", records.attention),
    (LOOK, "links", records.links),
    (LOOK, "verify", records.verify),
    (LOOK, "replay", records.replay),
    (WRITE, "validate", documents.validate),
    (WRITE, "schema", documents.schema),
)
app = typer.Typer(name="freshpipe", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
for panel, name, command in COMMANDS:
    app.command(name, rich_help_panel=panel)(command)


def main() -> None:
    """Run the command line; what went wrong is one sentence on standard error and an exit code, never a traceback."""
    try:
        app()
    except CannotStart as error:
        stop(str(error))
    except (CannotConnect, MigrationsBusy, TopicsWrong) as error:
        stop(str(error))
    except CallFailed as error:
        stop(f"the product refused: {error.category}: {error.message}")
    except (NotThere, AlreadyThere) as error:
        stop(f"{'no such' if isinstance(error, NotThere) else 'already there:'} {error}")
    except DatabaseAway as error:
        stop(f"MySQL cannot be reached: {error}")
    except BadKey as error:
        stop(str(error), USAGE)
    except ValidationError as error:
        stop(_settings_missing(error), USAGE)
    except KeyboardInterrupt:
        sys.exit(FAILED)


def _settings_missing(error: ValidationError) -> str:
    lines = [
        f"  FRESHPIPE_{'__'.join(str(part).upper() for part in problem['loc'])}: {problem['msg']}"
        for problem in error.errors(include_input=False, include_url=False)
    ]
    return "settings are missing or wrong:\n" + "\n".join(lines)
