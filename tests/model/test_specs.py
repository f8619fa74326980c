"""Our own specs hold, each of them, and what the documents show as a spec is one."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from collector.spec.api import Node, item_of, paginators, service_model, service_names
from collector.spec.check import check
from collector.spec.model import Call, Service
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


GONE = re.compile(r"not_?found|nosuch|doesnotexist|nonexist|deleted", re.IGNORECASE)
OF_OTHERS: Mapping[str, str] = {
    "codecommit.BatchGetRepositories": "A repository that is gone is in errors; the code is of its encryption key.",
    "fms.ListPolicies": "Asked of the account's own administrator, who cannot go away in between.",
    "fms.ListAppsLists": "as above",
    "fms.ListProtocolsLists": "as above",
    "rds.ListTagsForResource": "Groups, options, subscriptions and reservations have no code among them.",
}
"""Operations whose codes are of something else than what is asked about, each with its reason."""


def test_what_went_away_meanwhile_is_no_gap(services: dict[str, Service]) -> None:
    """Whatever is asked about one item may find that item gone: the codes that AWS models for it are then no failure."""
    missing = []
    for service in services.values():
        for resource in service.resources.values():
            about_one = [call for call in (resource.describe, *resource.get.values()) if call]
            about_one += [resource.tags] if isinstance(resource.tags, Call) else []
            about_one += [resource.list] if resource.parent else []
            for call in about_one:
                errors = service_model(call.service).operation_model(call.operation).error_shapes
                gone = {code for error in errors if GONE.search(code := error.metadata.get("error", {}).get("code") or error.name)}
                name = f"{call.service}.{call.operation}"
                if gone and not gone & {*call.absent, *call.not_enabled} and name not in OF_OTHERS:
                    missing.append(f"{service.name}.toml [{resource.key}] {call.operation}: {', '.join(sorted(gone))}")
    assert missing == []


MOVES = re.compile(
    r"(latest|earliest)restor\w+time|percentprogress|progresspercent\w*|approximatenumber\w+|next(execution|run|invocation|rotation)\w*"
    r"|last(accessed|used|activity|analyzed|crawl|execution|heartbeat|invocation|invoked|ping|processed|refresh|run|sync)\w*",
    re.IGNORECASE,
)
"""Names of members whose values move while nobody changes anything."""


def moving(node: Node, path: tuple[str, ...] = ()) -> Iterator[str]:
    """The paths under *node*, three names deep, that MOVES knows by their last name."""
    while node.is_list():
        node = node.items()
    for name, below in node.members().items():
        if MOVES.fullmatch(name):
            yield ".".join((*path, name))
        elif len(path) < 2:
            yield from moving(below, (*path, name))


def test_what_moves_by_itself_is_volatile(services: dict[str, Service]) -> None:
    steady = []
    for service in services.values():
        for resource in service.resources.values():
            answers = {"": resource.describe or resource.list} | {f"supplementary.{name}.": call for name, call in resource.get.items()}
            for prefix, call in answers.items():
                item = item_of(call.take, service_model(call.service).operation_model(call.operation))
                for path in moving(item):
                    names = f"{prefix}{path}".split(".")
                    if not {".".join(names[:length]) for length in range(1, len(names) + 1)} & {*resource.volatile}:
                        steady.append(f"{service.name}.toml [{resource.key}] {prefix}{path}")
    assert steady == []


DEFAULT = re.compile(
    r"default[^.]*?(?:\bis|\bof|\bto|:|limit is)\s*(?:up to |a maximum of )?([\d,]+)|maximum of (\d+) results per page", re.IGNORECASE
)
SMALL, AS_SMALL = 25, {"glacier.ListVaults": "No larger page is documented; an account has few vaults."}
"""A page of so few is small; AWS allows 50 at least wherever it documents such a default, but for these."""


def documented_page(call: Call) -> tuple[str, int] | None:
    """*call*'s parameter for the size of a page, and what AWS documents it to be when left out; None where no more can be had."""
    shape = service_model(call.service).operation_model(call.operation).input_shape
    rule = paginators(call.service).get(call.operation, {})
    if shape is None or not (rule or call.page):
        return None
    size = rule.get("limit_key") or next((name for name in shape.members if name.lower() in ("maxresults", "limit", "maxitems")), "")
    told = DEFAULT.search(re.sub(r"<[^>]+>", "", shape.members[size].documentation or "")) if size in shape.members else None
    few = int((told[1] or told[2]).replace(",", "")) if told else 0
    return (size, few) if 0 < few < shape.members[size].metadata.get("max", few + 1) else None


def test_no_page_is_left_as_small_as_aws_makes_it(services: dict[str, Service]) -> None:
    small = []
    for service in services.values():
        for resource in service.resources.values():
            for call in resource.calls():
                size = documented_page(call)
                if size and size[1] <= SMALL and size[0] not in call.params and f"{call.service}.{call.operation}" not in AS_SMALL:
                    small.append(f"{service.name}.toml [{resource.key}] {call.operation}: {size[0]} is {size[1]} unless it is said")
    assert small == []
