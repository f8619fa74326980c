"""The manifests that AWS writes when all data files of a delivery are there: which files belong to it, and what is in them.

Cost and Usage Reports: ``assemblyId``, ``bucket``, ``reportKeys``, ``columns`` of ``{category, name}``. Data Exports (CUR 2.0, FOCUS):
``executionId``, ``dataFiles`` (``s3://bucket/key``, a plain key, or an object that has one), ``columns`` of ``{name, type}``; AWS
publishes no schema of it. https://docs.aws.amazon.com/cur/latest/userguide/understanding-report-versions.html
"""

from dataclasses import dataclass
from typing import Any

import orjson

from collector.billing.place import BillingError, Place, shown

LARGEST = 32 << 20
"""Bytes of a manifest. AWS's are some kilobytes, and a few megabytes with thousands of files."""
_KEYS = ("reportKeys", "dataFiles")
_OBJECT_KEYS = ("s3Uri", "uri", "path", "key", "filePath", "name")


@dataclass(frozen=True, slots=True)
class Manifest:
    """One delivery: its id, the report's name where it is told, the columns as they are spelt in the files, and the files in order."""

    execution_id: str | None
    name: str | None
    columns: tuple[str, ...]
    keys: tuple[str, ...]


def read_manifest(text: bytes, place: Place, called: str) -> Manifest:
    """The manifest in *text*, *called* so in errors. Raises BillingError when it is none, or names what is not in *place*."""
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BillingError(f"{called} is not JSON: it is no manifest of billing files") from error
    if not isinstance(document, dict):
        raise BillingError(f"{called} is no manifest of billing files")
    files = next((document[name] for name in _KEYS if name in document), None)
    if not isinstance(files, list) or not files:
        raise BillingError(f"{called} names no data files")
    bucket = document.get("bucket", place.bucket)
    if bucket != place.bucket:
        raise BillingError(f"{called} is of another bucket ({shown(str(bucket))}), and only {place} is read")
    keys = tuple(_key(each, place, called) for each in files)
    if len(set(keys)) != len(keys):
        raise BillingError(f"{called} names a data file twice")
    return Manifest(
        _text(document, "assemblyId") or _text(document, "executionId"), _text(document, "reportName"), _columns(document, called), keys
    )


def _key(told: Any, place: Place, called: str) -> str:
    if isinstance(told, dict):
        told = next((told[name] for name in _OBJECT_KEYS if isinstance(told.get(name), str)), None)
    if not isinstance(told, str):
        raise BillingError(f"{called} names a data file in a way that is not known")
    if not told.startswith("s3://"):
        return place.require(place.bucket, told, called)
    bucket, _, key = told.removeprefix("s3://").partition("/")
    return place.require(bucket, key, called)


def _columns(document: dict[str, Any], called: str) -> tuple[str, ...]:
    told = document.get("columns", [])
    if not isinstance(told, list) or not all(isinstance(each, dict) and isinstance(each.get("name"), str) for each in told):
        raise BillingError(f"{called}: its columns cannot be read")
    return tuple(f"{each['category']}/{each['name']}" if isinstance(each.get("category"), str) else each["name"] for each in told)


def _text(document: dict[str, Any], name: str) -> str | None:
    value = document.get(name)
    return value if isinstance(value, str) and value else None
