"""A data file as it came: is it whole, what is it packed with, and which columns does it name?"""

import csv
import gzip
import io
import zipfile
import zlib
from pathlib import Path
from typing import Any

import zstandard

from collector.billing.place import BillingError

LONGEST_HEADER = 1 << 20
"""Bytes of the line of column names; AWS's have some kilobytes, and more with many tags."""


def is_parquet(path: Path) -> bool:
    """Is it a Parquet file, by its first bytes?"""
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


def readable(path: Path, called: str) -> Path:
    """The file as DuckDB can read it, whole and undamaged. Raises BillingError.

    DuckDB does not look at gzip's checksums, so they are looked at here; and it knows no zip, so that becomes zstd.
    """
    with path.open("rb") as file:
        start = file.read(4)
    try:
        if start == b"PAR1":
            return path.rename(path.with_suffix(".parquet"))
        if start[:2] == b"\x1f\x8b":
            with gzip.open(path) as packed:
                while packed.read(1 << 20):
                    pass
            return path.rename(path.with_suffix(".gz"))
        if start == b"PK\x03\x04":
            return _unzipped(path, called)
    except (EOFError, gzip.BadGzipFile, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
        raise BillingError(f"{called} is damaged, or was not delivered whole") from error
    return path.rename(path.with_suffix(".csv"))


def _unzipped(path: Path, called: str) -> Path:
    unpacked = path.with_suffix(".zst")
    with zipfile.ZipFile(path) as archive:
        names = [each for each in archive.namelist() if not each.endswith("/")]
        if len(names) != 1:
            raise BillingError(f"{called} holds {len(names)} files, and a billing file is one")
        with archive.open(names[0]) as packed, zstandard.open(unpacked, "wb") as file:
            while piece := packed.read(1 << 20):
                file.write(piece)
    path.unlink()
    return unpacked


def _opened(path: Path) -> Any:
    """The file's bytes, unpacked."""
    if path.suffix == ".gz":
        return gzip.open(path)
    return zstandard.open(path, "rb") if path.suffix == ".zst" else path.open("rb")


def header(path: Path, called: str) -> list[str]:
    with _opened(path) as file, io.BufferedReader(file) as lines:
        line = lines.readline(LONGEST_HEADER)
    try:
        header = next(csv.reader([line.decode("utf-8-sig")], strict=True), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise BillingError(f"{called} does not begin with a line of column names") from error
    if not header or len(line) == LONGEST_HEADER:
        raise BillingError(f"{called} does not begin with a line of column names")
    return header
