"""The one place that billing files are read from, and the narrow table of calls that may be made for it.

No spec names these calls: their bucket is fixed by the settings, every key and listing begins with the prefix, and the gateway refuses
anything else before it is sent. A key comes from a manifest, which is data: it is checked here first, so that what a manifest names
wrongly is an error about that manifest and not a bug of ours.
"""

from dataclasses import dataclass

from collector.errors import CollectorError
from collector.spec.model import Call

REPORTS = Call("cur", "DescribeReportDefinitions", "cur:DescribeReportDefinitions", take="ReportDefinitions[]")
EXPORTS = Call("bcm-data-exports", "ListExports", "bcm-data-exports:ListExports", take="Exports[]")
EXPORT = Call(
    "bcm-data-exports",
    "GetExport",
    "bcm-data-exports:GetExport",
    params={"ExportArn": "{export}"},
    take="Export",
    why="The only source of where and how billing files are written. Names and columns, no amounts.",
)


def shown(told: str) -> str:
    """What a file or an answer told, as an error may repeat it: short, and without control characters."""
    return "".join(each if each.isprintable() else "?" for each in told[:300])


class BillingError(CollectorError):
    """The billing files cannot be read, or are not what their manifest says."""


@dataclass(frozen=True, slots=True)
class Place:
    """A bucket and the prefix, ending in a slash, that the files lie under."""

    bucket: str
    prefix: str

    @property
    def location(self) -> Call:
        return Call(
            "s3",
            "GetBucketLocation",
            "s3:GetBucketLocation",
            params={"Bucket": self.bucket},
            resources=(f"arn:*:s3:::{self.bucket}",),
            why="The region in which the bucket's objects are asked for.",
        )

    @property
    def listing(self) -> Call:
        return Call(
            "s3",
            "ListObjectsV2",
            "s3:ListBucket",
            params={"Bucket": self.bucket, "Prefix": f"{self.prefix}{{below}}", "Delimiter": "/"},
            resources=(f"arn:*:s3:::{self.bucket}",),
        )

    @property
    def reading(self) -> Call:
        return Call(
            "s3",
            "GetObject",
            "s3:GetObject",
            params={"Bucket": self.bucket, "Key": f"{self.prefix}{{key}}", "IfMatch": "{etag}"},
            resources=(f"arn:*:s3:::{self.bucket}/{self.prefix}*",),
            why="The billing files of the one designated bucket.",
        )

    def calls(self) -> tuple[Call, ...]:
        """Every call that reading billing files may make."""
        return (self.location, self.listing, self.reading, REPORTS, EXPORTS, EXPORT)

    def holds(self, bucket: str, key: str) -> bool:
        """Does the object lie here?"""
        return bucket == self.bucket and key.startswith(self.prefix) and not {".", ".."} & set(key.split("/"))

    def require(self, bucket: str, key: str, named_by: str) -> str:
        """*key*, if the object lies here. Raises BillingError: *named_by* leads elsewhere."""
        if not self.holds(bucket, key):
            raise BillingError(f"{named_by} names {shown(f's3://{bucket}/{key}')}, which is outside {self}: nothing was read from there")
        return key

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"
