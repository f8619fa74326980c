"""Our own specs hold, each of them, and what the documents show as a spec is one."""

import re
import tomllib
from pathlib import Path

import pytest

from collector.spec.api import service_names
from collector.spec.check import check
from collector.spec.model import Service
from collector.spec.reader import our_specs, read_spec, read_specs

ROOT = Path(__file__).parents[2]
FILES = sorted(file.name for file in our_specs().iterdir() if file.name.endswith(".toml"))


@pytest.fixture(scope="module")
def services() -> dict[str, Service]:
    """Every service, read once."""
    return read_specs()


@pytest.mark.parametrize("file", FILES)
def test_a_spec_holds(file: str, services: dict[str, Service]) -> None:
    name = file.removesuffix(".toml")

    assert check({name: services[name]}) == []


def test_no_type_is_specified_twice(services: dict[str, Service]) -> None:
    assert check(services, only=()) == []


@pytest.mark.parametrize("file", FILES)
def test_a_spec_is_named_as_a_service_and_says_something(file: str, services: dict[str, Service]) -> None:
    name = file.removesuffix(".toml")

    assert name in service_names()
    assert services[name].resources


# --- documents ---

_BLOCK = re.compile(r"^```toml\n(.*?)^```", re.DOTALL | re.MULTILINE)
_FILE_NAME = re.compile(r"# ([a-z0-9-]+)\.toml")


def specs_in(document: str) -> list[tuple[str, str]]:
    """(service, text) of each TOML block of *document* whose first line names a spec's file."""
    blocks = _BLOCK.findall((ROOT / document).read_text(encoding="utf-8"))
    return [(named[1], block) for block in blocks if (named := _FILE_NAME.match(block)) and named[1] in service_names()]


DOCUMENTS = sorted(
    str(file.relative_to(ROOT)) for folder in (".", "service_specs", "collector", "docs") for file in ROOT.glob(f"{folder}/*.md")
)
SHOWN = [(document, service, text) for document in DOCUMENTS for service, text in specs_in(document)]


@pytest.mark.parametrize(("document", "service", "text"), SHOWN, ids=[f"{document}-{service}" for document, service, _ in SHOWN])
def test_a_spec_in_a_document_holds(document: str, service: str, text: str) -> None:
    assert check({service: read_spec(service, text)}) == []


def test_the_language_is_shown_by_an_example() -> None:
    assert "service_specs/README.md" in {document for document, _, _ in SHOWN}


_INLINE = re.compile(r"`((?:[a-z]+ = )?\{ [^`]*= [^`]*\})`")
INLINE = _INLINE.findall((ROOT / "service_specs/README.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("line", INLINE)
def test_what_the_language_shows_in_a_line_is_toml(line: str) -> None:
    assert tomllib.loads(line if re.match("[a-z]", line) else f"shown = {line}")
