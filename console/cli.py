"""The `freshpipe` command, assembled from its parts."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module

import typer
from pydantic import ValidationError

from connectors.errors import CallFailed
from console.errors import CannotConnect
from console.output import FAILED, USAGE, stop
from deploy.local.errors import CannotStart
from schemas.sealing import BadKey
from streams.errors import AlreadyThere, DatabaseAway, MigrationsBusy, NotThere, TopicsWrong

COMMANDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "Run": {
        "local": ("up", "demo"),
        "processes": ("migrate", "webhooks", "worker", "crawler", "historian", "console", "sandbox"),
    },
    "Set up": {"accounts": ("tenant", "connect", "secret", "reconnect", "install", "pause", "resume")},
    "Look": {"records": ("status", "trail", "attention", "links", "verify", "replay")},
    "Write apps": {"documents": ("validate", "schema")},
}
"""By the panel of the help text, then by the module of `console.commands` that has a function of that name."""


def make_app(only: str = "") -> typer.Typer:
    """The command line; with the name of a command, that one alone, so that it need not load all of Freshpipe."""
    app = typer.Typer(name="freshpipe", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
    app.callback()(_freshpipe)
    wanted = only if any(only in names for modules in COMMANDS.values() for names in modules.values()) else ""
    for panel, modules in COMMANDS.items():
        for module, names in modules.items():
            for name in names:
                if name == wanted or not wanted:
                    command = getattr(import_module(f"console.commands.{module}"), name)
                    app.command(name, rich_help_panel=panel)(command)
    return app


def _freshpipe() -> None:
    """Keep the products that a company uses in two-way sync, in real time."""


def main() -> None:
    """Run the command line; what went wrong is one sentence on standard error and an exit code, never a traceback."""
    try:
        make_app(sys.argv[1] if len(sys.argv) > 1 else "")()
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
