"""What the command line imports before it does anything: ``--help`` is quick because next to nothing is loaded."""

import json
import os
import subprocess
import sys

import pytest

DEPENDENCIES = {
    "aioboto3", "aiobotocore", "aiohttp", "anyio", "boto3", "botocore", "duckdb", "jmespath", "moto", "orjson", "rich", "structlog",
    "tenacity", "yaml", "zstandard",
}  # fmt: skip
"""All that the project uses but typer, which takes what it finds installed."""

LOADED = """
import json, sys
before = set(sys.modules)
from collector.cli import main
sys.argv = ["collector", *{arguments!r}]
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def loaded(*arguments: str) -> set[str]:
    """The modules that ``collector`` with *arguments* imports, the standard library's aside."""
    done = subprocess.run([sys.executable, "-c", LOADED.format(arguments=arguments)], capture_output=True, text=True, check=True)
    modules = json.loads(done.stdout.splitlines()[-1])
    return {name for name in modules if name.partition(".")[0] not in sys.stdlib_module_names}


@pytest.mark.parametrize("arguments", [("--help",), ("run", "--help"), ("iam", "template", "--help")], ids=" ".join)
def test_help_loads_the_command_line_and_the_settings_and_nothing_else(arguments: tuple[str, ...]) -> None:
    modules = loaded(*arguments)

    assert not {name.partition(".")[0] for name in modules} & DEPENDENCIES
    ours = {name for name in modules if name.startswith("collector.") and not name.startswith("collector.cli")}
    assert ours == {
        "collector.errors", "collector.exit", "collector.iam", "collector.iam.form", "collector.settings", "collector.spelling",
    }  # fmt: skip


def test_the_help_says_each_command_in_one_whole_line() -> None:
    environment = {**os.environ, "COLUMNS": "80"}
    command = [sys.executable, "-m", "collector", "--help"]
    help = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    lines = help.partition("Commands:\n")[2].partition("\n\n")[0].splitlines()
    assert {line.split()[0] for line in lines} >= {"run", "diff", "billing", "specs"}
    for line in lines:
        assert line.endswith("."), line
        assert not line.endswith("..."), line
