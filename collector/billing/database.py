"""The sums, in DuckDB on local files. The only module of this room that knows it.

Every column is read as text and every amount becomes a decimal before it is added: sniffing mistakes JSON inside CSV for columns, and a
sum of floats depends on its order. Each data file is added up at once and may then go; what stays is one row for each distinct cost. Where
that outgrows the memory that DuckDB is given, it goes to the disk beside.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import duckdb
import orjson

from collector.billing import resources
from collector.billing.columns import KEYS, MONEY, QUANTITY, Columns, columns_of, expressions, folded, tag_map
from collector.billing.packed import header, is_parquet
from collector.billing.place import BillingError
from collector.record import CostRecord, Source
from collector.snapshot import Snapshot

LONGEST_ROW = 2 << 20
"""Bytes. AWS's rows have a few kilobytes, with every tag some twenty."""
READ_TOGETHER = 8 << 20
"""Bytes of CSV. DuckDB's own choice is 32 of the longest rows, for each thread: of a large file that is more than it may keep."""
ROWS_TOGETHER = 5_000

_KEYS = ", ".join(KEYS)
_SUMS = f"""
    sum(billed)::{MONEY} billed,
    sum(effective)::{MONEY} effective, count(*) filter (effective is null)::bigint without_effective,
    sum(list)::{MONEY} list, count(*) filter (list is null)::bigint without_list,
    sum(quantity)::{QUANTITY} quantity,
    max(struct_pack(moment := moment, tags := tags)) last,
    count(*)::bigint line_items, count(*) filter (invoice is null)::bigint open"""
_SUMS_OF_SUMS = f"""
    sum(billed)::{MONEY} billed,
    sum(effective)::{MONEY} effective, sum(without_effective)::bigint without_effective,
    sum(list)::{MONEY} list, sum(without_list)::bigint without_list,
    sum(quantity)::{QUANTITY} quantity,
    max(last) last, sum(line_items)::bigint line_items, sum(open)::bigint open"""


def _text(amount: str) -> str:
    """A decimal as text, as short as it can be said exactly: ``8``, ``0.0000000181``. A sum of decimals has its decimals always."""
    return f"rtrim(rtrim(cast({amount} as varchar), '0'), '.')"


_TOLD = {name: name for name in KEYS if name != "resource"} | {
    "arn": "arn",
    "billed_cost": f"coalesce({_text('billed')}, '0')",
    "consumed_quantity": _text("quantity"),
    "effective_cost": f"case when without_effective = 0 then {_text('effective')} end",
    "line_items": "line_items",
    "list_cost": f"case when without_list = 0 then {_text('list')} end",
    "partition": "partition",
    "resource_id": "resource_id",
    "resource_type": "resource_type",
    "tags": "case when resource_id is not null then last.tags end",
}
"""What the lines say, as SQL."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What the rows of one period are, all together."""

    rows: int
    split_rows: int
    """Left out: they split among containers what another row has already."""
    open_rows: int
    """Without an invoice."""
    with_resource: int
    billed: str


class Database:
    """Costs added up, period by period: *memory_megabytes* of them in memory, beside some 100 of the process, and the rest in *folder*."""

    def __init__(self, folder: Path, partition: str, memory_megabytes: int) -> None:
        self._folder = folder
        self._partition = partition
        self._connection = duckdb.connect(":memory:", config={"memory_limit": f"{memory_megabytes}MB", "threads": "2"})
        self._connection.execute(f"set temp_directory = '{_quoted(folder / 'spilled')}'")
        self._connection.execute("set preserve_insertion_order = false")
        self.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def clear(self) -> None:
        """Forget the costs of a period."""
        names = ", ".join(f"{name} varchar" for name in KEYS)
        self._connection.execute(f"""create or replace table costs ({names}, split boolean,
            billed {MONEY}, effective {MONEY}, without_effective bigint, list {MONEY}, without_list bigint, quantity {QUANTITY},
            last struct(moment varchar, tags varchar), line_items bigint, open bigint)""")

    def add(self, path: Path, called: str, expected: tuple[str, ...]) -> Columns:
        """Add up one data file, *called* so in errors, whose manifest says the columns *expected*; what its columns are.

        Raises BillingError, which quotes nothing of what is in the file.
        """
        try:
            columns, relation = self._parquet(path, called) if is_parquet(path) else self._csv(path, called, expected)
            told = expressions(columns)
            names = ", ".join(f"{expression} as {name}" for name, expression in told.items())
            self._connection.execute(
                f"insert into costs by name select {_KEYS}, split, {_SUMS} from (select {names} from {relation}) group by {_KEYS}, split"  # noqa: S608
            )
        except duckdb.Error as error:
            raise BillingError(f"{called} {_meaning(error)}") from None
        return columns

    def _parquet(self, path: Path, called: str) -> tuple[Columns, str]:
        read = f"read_parquet('{_quoted(path)}')"
        described = self._connection.execute(f"describe select * from {read}").fetchall()  # noqa: S608
        nested = re.compile(r"MAP|STRUCT|.*\[\]$")
        texts = [
            f"cast({f'to_json({_identifier(name)})' if nested.match(kind) else _identifier(name)} as varchar) as c{number}"
            for number, (name, kind, *_) in enumerate(described)
        ]
        columns = columns_of([(name, f"c{number}") for number, (name, *_) in enumerate(described)], called)
        return columns, f"(select {', '.join(texts)} from {read})"  # noqa: S608

    def _csv(self, path: Path, called: str, expected: tuple[str, ...]) -> tuple[Columns, str]:
        names = header(path, called)
        if expected and len(names) != len(expected):
            raise BillingError(f"{called} has {len(names)} columns, and its manifest says {len(expected)}")
        if expected and {folded(each) for each in names} != {folded(each) for each in expected}:
            raise BillingError(f"{called} has other columns than its manifest says")
        types = ", ".join(f"'c{number}': 'varchar'" for number in range(len(names)))
        compression = {".gz": "gzip", ".zst": "zstd"}.get(path.suffix, "none")
        columns = columns_of([(name, f"c{number}") for number, name in enumerate(names)], called)
        return columns, (
            f"read_csv('{_quoted(path)}', auto_detect = false, columns = {{{types}}}, header = true, delim = ',', quote = '\"', "
            f"escape = '\"', nullstr = ['', 'NULL'], compression = '{compression}', strict_mode = true, null_padding = false, "
            f"ignore_errors = false, max_line_size = {LONGEST_ROW}, buffer_size = {READ_TOGETHER})"
        )

    def counted(self) -> Counted:
        """What the period's rows are. Raises BillingError when there is none."""
        rows, split, open_rows, with_resource, billed = self._one(
            f"""select sum(line_items)::bigint, coalesce(sum(line_items) filter (split), 0)::bigint,
            coalesce(sum(open) filter (not split), 0)::bigint,
            coalesce(sum(line_items) filter (resource is not null and not split), 0)::bigint,
            {_text("sum(billed) filter (not split)")} from costs"""  # noqa: S608
        )
        return Counted(rows or 0, split, open_rows, with_resource, billed or "0")

    def records(self, period: str, state: Any, source: Source) -> Iterator[CostRecord]:
        """The period's costs, in a fixed order, each once, under the names that the inventory has for its resources.

        Raises BillingError.
        """
        try:
            self._name_resources()
            cursor = self._connection.execute(f"select {', '.join(_TOLD.values())} from named order by all")  # noqa: S608
            while rows := cursor.fetchmany(ROWS_TOGETHER):
                for row in rows:
                    told = dict(zip(_TOLD, row, strict=True))
                    yield CostRecord(**{**told, "tags": _tags(told["tags"])}, period=period, period_state=state, source=source)
        except duckdb.Error as error:
            raise BillingError(f"the costs of {period} {_meaning(error)}") from None

    def _name_resources(self) -> None:
        keys = [name for name in KEYS if name != "resource"]
        kept = ", ".join(keys)
        self._connection.execute(
            f"""create or replace table named as
            with padded as (
                select * replace (lpad(account_id, 12, '0') as account_id, lpad(billing_account_id, 12, '0') as billing_account_id),
                    {resources.PARTITION} as partition from costs where not split),
            placed as (select *, {resources.arn()} as arn from padded)
            select {kept}, partition, arn,
                {resources.resource_id()} as resource_id, {resources.resource_type()} as resource_type, {_SUMS_OF_SUMS}
            from placed group by {kept}, partition, arn, resource_id, resource_type""",  # noqa: S608
            {"partition": self._partition},
        )

    def load_inventory(self, snapshot: Snapshot) -> None:
        """Learn which resources *snapshot* has, so that `met` can count. Raises BillingError when its lines cannot be read."""
        self._connection.execute("create or replace table inventory (name varchar)")
        files = [str(path) for path in snapshot.files("resources") if path.stat().st_size]
        types = dict.fromkeys(("account_id", "arn", "resource_id"), "varchar") | {"configuration": "struct(DbClusterResourceId varchar)"}
        if not files:
            return
        try:
            self._connection.execute(
                """insert into inventory select distinct unnest([arn, account_id || '|' || resource_id,
                account_id || '|' || configuration.DbClusterResourceId]) from read_json($files, columns = $types,
                format = 'newline_delimited', maximum_object_size = 67108864)""",
                {"files": files, "types": types},
            )
        except duckdb.Error as error:
            raise BillingError(f"{snapshot.folder}: its resources cannot be read {_meaning(error)}") from None

    def met(self) -> dict[str, dict[str, int]]:
        """By service, how many resources of the period's costs are billed, and how many of them the inventory has."""
        rows = self._connection.execute(
            """with billed as (
                select distinct coalesce(service_code, service_name, '') as service, account_id, arn, resource_id from named
                where resource_id is not null),
            called as (select service, account_id, resource_id, unnest([arn, account_id || '|' || resource_id,
                account_id || '|' || nullif(regexp_extract(arn, ':cluster:(cluster-[A-Z0-9]+)$', 1), '')]) as name from billed),
            found as (select distinct service, account_id, resource_id from called semi join inventory using (name))
            select service, count(*), count(found.service) from billed left join found using (service, account_id, resource_id)
            group by service order by service"""
        ).fetchall()
        return {service: {"billed": billed, "met": met} for service, billed, met in rows}

    def _one(self, sql: str) -> tuple[Any, ...]:
        row = self._connection.execute(sql).fetchone()
        assert row is not None
        return row


@lru_cache(maxsize=4096)
def _tags(text: str | None) -> Mapping[str, str] | None:
    if text is None:
        return None
    try:
        told = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return tag_map(told) if isinstance(told, dict) else None


def _meaning(error: duckdb.Error) -> str:
    """What DuckDB says, in our words: its own quote the line, which is the customer's."""
    said = str(error)
    line = re.search(r"CSV Error on Line: (\d+)", said)
    where = f"cannot be read: line {line[1]}" if line else "cannot be read:"
    if found := re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", said):
        # DuckDB stops counting at the first column too many.
        told = f"more than {found[1]} columns" if int(found[2]) > int(found[1]) else f"{found[2]} columns, not {found[1]}"
        return f"{where} has {told}"
    if "quote" in said:
        return f"{where}{':' if line else ''} a quotation mark is not closed"
    if isinstance(error, duckdb.ConversionException | duckdb.OutOfRangeException):
        return "holds an amount that is no number, or is too large"
    if "offload" in said or "space" in said:
        return "cannot be added up: there is not enough room in the temporary folder (TMPDIR)"
    if isinstance(error, duckdb.OutOfMemoryException):
        return "cannot be added up in so little memory: give more with --memory-megabytes"
    return f"{where}{':' if line else ''} it is damaged, or not what its name says ({type(error).__name__})"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
