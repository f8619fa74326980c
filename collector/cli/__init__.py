"""The command line: what is asked for, in words; what was done, in a table; how it ended, in the exit status."""

import os
import sys
from collections.abc import Iterator

import typer

from collector.errors import CallNotAllowedError, CollectorError
from collector.exit import Exit

app = typer.Typer(
    name="collector",
    help="Take an inventory of AWS accounts: what every service has and how it is set up, never the data in it.",
    epilog="Exit status: 0 complete, 1 our bug, 2 usage or settings, 3 finished with gaps, 4 an account was halted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)


def main() -> None:
    """Run the command line; an expected error is one line on standard error."""
    import collector.cli.commands  # noqa: F401  (each module adds its commands to app)

    os.umask(0o077)  # what any command writes is its user's alone
    ended: Exit | None = None  # Python 3.11.2 puts what is raised in an except* clause, an exit too, into a group
    try:
        app(standalone_mode=True)
    except* CollectorError as group:
        for said in dict.fromkeys(map(str, _leaves(group))):  # several workers may meet the same end
            typer.echo(f"collector: {said}", err=True)
        ended = Exit.USAGE
    except* CallNotAllowedError as group:
        for error in _leaves(group):
            typer.echo(f"collector: this is our bug: {error}", err=True)
        ended = Exit.OUR_BUG
    if ended is not None:
        sys.exit(ended)


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
