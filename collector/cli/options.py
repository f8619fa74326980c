"""The fields of a settings class as command-line options: one declaration for flag, environment, file and help."""

import inspect
import os
from collections.abc import Callable, Collection
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

from collector.errors import SettingsError
from collector.settings import FILE, PREFIX, Selection, read_file

S = TypeVar("S", bound=Selection)


def takes(kind: type[S], without: Collection[str] = ()) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorate a command whose first parameter is *kind*: it gets the options, and is called with the settings they make.

    Options that the command itself declares come first in its help. Settings in *without* mean nothing to it and keep their defaults.
    """
    flags = [each for each in fields(kind) if each.metadata["flag"] and each.name not in without]
    hints = get_type_hints(kind)

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
        taken = {parameter.name for parameter in own}

        def called(**values: Any) -> None:
            values.pop("config")
            rest = {name: value for name, value in values.items() if name in taken}
            context = values.pop("context")
            command(_settings(kind, values, context), **rest)

        parameters = [
            inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context),
            *(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own),
            *(_parameter(each, hints[each.name]) for each in flags),
            inspect.Parameter("config", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_CONFIG),
        ]
        called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        called.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        called.__doc__ = command.__doc__
        called.__name__ = command.__name__
        return called

    return decorate


def _load(context: typer.Context, path: Path | None) -> Path | None:
    """Read the settings file before the other options, so that it gives their defaults."""
    if path is None and FILE.is_file():
        path = FILE
    if path is not None:
        document = read_file(path)
        context.default_map = {**(context.default_map or {}), **document}
        context.meta["file"] = document
    return path


_CONFIG = Annotated[
    Path | None,
    typer.Option(
        "--config",
        envvar=f"{PREFIX}CONFIG",
        metavar="FILE",
        is_eager=True,
        callback=_load,
        help=f"Settings in TOML, under the same names; {FILE} in the working directory is read by itself.",
    ),
]


def _parameter(each: Field[Any], hint: Any) -> inspect.Parameter:
    several = isinstance(each.default, tuple)
    if several:
        hint = list[Path] if "Path" in str(hint) else list[str]
    option = typer.Option(
        f"--{each.name.replace('_', '-')}",
        envvar=f"{PREFIX}{each.name.upper()}",
        metavar=f"{each.metadata['metavar']}…" if several else each.metadata["metavar"],
        help=each.metadata["help"],
        show_default=bool(each.default) and not several,
    )
    default = None if several else each.default
    return inspect.Parameter(
        each.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[hint | None if several else hint, option]
    )


def _settings(kind: type[S], values: dict[str, Any], context: typer.Context) -> S:
    known = {each.name: each for each in fields(kind)}
    given: dict[str, Any] = {}
    for name, value in values.items():
        if name in known:
            given[name] = tuple(value or ()) if isinstance(known[name].default, tuple) else value
    document = context.meta.get("file", {})
    for name, each in known.items():
        if not each.metadata["flag"]:
            told = document.get(name)
            if each.default is not MISSING:
                told = os.environ.get(f"{PREFIX}{name.upper()}") or told
            if told is not None:
                given[name] = told
    _refuse_unknown_variables()
    return kind(**given)


def _refuse_unknown_variables() -> None:
    """A misspelt variable would be a setting that silently does nothing."""
    from collector.settings import known_settings
    from collector.spelling import did_you_mean

    known = {f"{PREFIX}{name.upper()}" for name in known_settings()} | {f"{PREFIX}CONFIG"}
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in known:
            raise SettingsError(f"unknown variable {name}{did_you_mean(name, known)}")
