"""SQL over a snapshot, with DuckDB: the tables ``resources`` and ``utilisation`` (those lines that count), ``coverage`` and ``cost``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from collector.errors import SnapshotError
from collector.schema import columns
from collector.snapshot import Snapshot


def query(snapshot: Snapshot, sql: str) -> tuple[Sequence[str], list[tuple[Any, ...]]]:
    """(names of the columns, rows) of *sql*, which can read nothing but the snapshot. Raises SnapshotError with DuckDB's own words."""
    database = duckdb.connect(":memory:")
    try:
        _load(database, snapshot)
        # From here on no statement reaches a file or the network.
        database.execute("set enable_external_access = false; set lock_configuration = true")
        result = database.execute(sql)
        return [column[0] for column in result.description or ()], result.fetchall()
    except duckdb.Error as error:
        raise SnapshotError(f"query: {error}") from error
    finally:
        database.close()


def _load(database: duckdb.DuckDBPyConnection, snapshot: Snapshot) -> None:
    for table, stream in _STREAMS.items():
        types = columns(stream)
        names = ", ".join(f'"{name}" {kind}' for name, kind in types.items())
        database.execute(f"create table {table} ({names})")
        paths = [str(path) for path in snapshot.files(stream) if _has_lines(path)]
        if paths:
            vouched = {"resources": " where scan_id in (select scan_id from coverage)", "metrics": " where record = 'utilisation'"}.get(
                stream, ""
            )
            database.execute(
                f"insert into {table} select * from read_json($paths, columns = $types, format = 'newline_delimited', "  # noqa: S608  (our names)
                f"maximum_object_size = 67108864){vouched}",
                {"paths": paths, "types": types},
            )


_STREAMS = {"coverage": "coverage", "resources": "resources", "utilisation": "metrics", "cost": "billing"}
"""The files that each table is of. Metrics are written as a whole, with the coverage of each of their lines."""


def _has_lines(path: Path) -> bool:
    return path.stat().st_size > 0
