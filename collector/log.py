"""Logging, set up once: events with facts as keys, on standard error; JSON in a container, colours on a terminal."""

import logging
import sys

import structlog

# Local variables hold answers, parameters and credentials; they are never shown.
_TRACEBACK = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)


chosen: dict[str, bool] = {}
"""What `set_up` was last told: a run's other processes are told the same."""


def set_up(*, verbose: bool = False, quiet: bool = False) -> None:
    """Send every event to standard error. On a terminal the progress display tells the rest, so only warnings are shown there."""
    chosen.update(verbose=verbose, quiet=quiet)
    terminal = sys.stderr.isatty()
    lowest = logging.DEBUG if verbose else logging.ERROR if quiet else logging.WARNING if terminal else logging.INFO
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[structlog.types.Processor] = (
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if terminal
        else [structlog.processors.ExceptionRenderer(_TRACEBACK), structlog.processors.JSONRenderer(sort_keys=True, ensure_ascii=False)]
    )
    structlog.configure(
        processors=shared + last,
        wrapper_class=structlog.make_filtering_bound_logger(lowest),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    # Libraries' own lines may quote answers and headers; they stay silent unless they are errors.
    logging.basicConfig(level=logging.ERROR, format="%(name)s: %(message)s", stream=sys.stderr)
