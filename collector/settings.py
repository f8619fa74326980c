"""Flags, environment and file become one frozen value. A setting has one name: ``--hub-role``, ``COLLECTOR_HUB_ROLE``, ``hub_role = ""``
in the file.

A flag wins over the environment, the environment over the file. What is secret, or belongs to one account, is no flag.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import Field, dataclass, field, fields, replace
from math import inf
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Self, get_args, get_origin

from collector.errors import SettingsError
from collector.spelling import did_you_mean

PREFIX = "COLLECTOR_"
FILE = Path("collector.toml")
"""Read from the working directory when no other file is named."""
LARGEST_FILE = 10_000_000
"""Bytes: ten thousand accounts with an ExternalId each are a tenth of this."""
LEAST_MEGABYTES = 64
"""For adding up billing files: eight times the CSV that is read at once."""
DOLLARS_PER_THOUSAND = 0.01
"""US dollars for a thousand metrics asked for with GetMetricData, whatever the number of data points and of up to five statistics; never in
the free tier. https://aws.amazon.com/cloudwatch/pricing/, us-east-1, as of 2026-11; a few regions differ, so it is a setting.
"""

_ACCOUNT = re.compile(r"\d{12}\Z")
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/\-]{2,1224}\Z", re.ASCII)
_SESSION_NAME = re.compile(r"[\w+=,.@\-]{2,64}\Z", re.ASCII)
_ROLE_NAME = re.compile(r"(arn:[\w\-]+:iam::\d{12}:role/)?[\w+=,.@/\-]{1,576}\Z", re.ASCII)
_DURATION = re.compile(r"\d{1,6}[smh]\Z", re.ASCII)
_UNITS = {"s": 1, "m": 60, "h": 3600}
_POLICY = re.compile(r"(arn:[\w\-]+:iam::(\d{12}|aws):policy/)?[\w+=,.@/\-]{1,640}\Z", re.ASCII)
_MOST_POLICIES = 10  # https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
_BILLING = re.compile(r"s3://[a-z0-9.\-]{3,63}/[^*?$]+\Z")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]\Z")
# As the billing template takes them: of these, none can be read as a wildcard or as a way out of the folder.
_FOLDERS = re.compile(r"(?!.*(?:^|/)\.{1,2}(?:/|$))([A-Za-z0-9!_.'()=\-]{1,64}/){1,8}\Z")
_PERIOD = re.compile(r"20\d\d-(0[1-9]|1[0-2])\Z")
_KEY_ARN = re.compile(r"arn:[\w\-]+:kms:[a-z0-9\-]+:\d{12}:key/[\w\-]+\Z", re.ASCII)
_UNIT = re.compile(r"(r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[a-z0-9]{8,32})\Z")


def setting(help: str, *, default: Any = (), flag: bool = True, metavar: str | None = None, secret: bool = False) -> Any:
    """A field of the settings: what the help says of it, whether it may be given on the command line, and whether it may be shown."""
    about = {"help": help, "flag": flag, "metavar": metavar}
    return field(default=default, metadata=about, repr=not secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which specs."""

    specs: tuple[Path, ...] = setting("A folder of your own specs; a file of the same name replaces ours.", metavar="DIR")
    service: tuple[str, ...] = setting("Read only these services (pattern).", metavar="NAME")
    exclude_service: tuple[str, ...] = setting("Leave these services out (pattern).", metavar="NAME")
    type: tuple[str, ...] = setting("Read only these resource types (pattern), such as AWS::EC2::Instance or ec2.instance.", metavar="TYPE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Where(Selection):
    """Which accounts and regions, and how to get into them."""

    account: tuple[str, ...] = setting("Read this account; otherwise the one of the current credentials.", metavar="ID")
    exclude_account: tuple[str, ...] = setting("Leave this account out.", metavar="ID")
    organization: bool = setting("Read every active account of the AWS organisation.", default=False)
    unit: tuple[str, ...] = setting("Only accounts in this organisational unit or below it (implies --organization).", metavar="OU")
    exclude_unit: tuple[str, ...] = setting("No accounts in this organisational unit or below it (implies --organization).", metavar="OU")
    role: str | None = setting("The role to assume in each account: its name, or an ARN.", default=None, metavar="NAME")
    hub_role: str | None = setting("A role to assume first, from which the others are assumed.", default=None, metavar="ARN")
    session_name: str = setting("What the customer sees in CloudTrail.", default="aws-service-inventory-collector", metavar="NAME")
    external_id: str | None = setting("The ExternalId of every account's role.", default=None, flag=False, secret=True)
    external_id_file: Path | None = setting(
        "A file with the ExternalId, or a TOML table of one for each account.", default=None, metavar="FILE"
    )
    external_ids: Mapping[str, str] = field(
        default_factory=dict, repr=False, metadata={"help": "The ExternalId of single accounts: a table in the file.", "flag": False}
    )
    hub_external_id: str | None = setting("The ExternalId of the hub role.", default=None, flag=False, secret=True)
    region: tuple[str, ...] = setting("Read only these regions (pattern); otherwise all that are switched on.", metavar="REGION")
    exclude_region: tuple[str, ...] = setting(
        'Leave these regions out (pattern); "global" leaves out services without a region.', metavar="REGION"
    )
    profile: str | None = setting("The AWS profile to start from; otherwise AWS_PROFILE and the usual chain.", default=None, metavar="NAME")
    strict: bool = setting("Halt an account at warnings about its role too, and at any about your own credentials.", default=False)
    allow_unchecked: bool = setting("Read, with a warning, an account whose role may not show its own policies.", default=False)
    no_session_policy: bool = setting("Assume roles without a session policy that limits the session to what is read.", default=False)
    session_policy: tuple[str, ...] = setting(
        "Limit the session by this managed policy of each account, instead of by one that is sent; at most ten.", metavar="NAME"
    )
    billing: str | None = setting(
        "Where the billing files lie: a role that may read these, and no other object, is not halted.",
        default=None,
        metavar="S3://BUCKET/PREFIX",
    )
    billing_key: str | None = setting("The KMS key of the billing files, likewise.", default=None, metavar="ARN")

    def __post_init__(self) -> None:
        for name in ("account", "exclude_account"):
            _each(name, getattr(self, name), _ACCOUNT, "an account has 12 digits")
        for name in ("unit", "exclude_unit"):
            _each(name, getattr(self, name), _UNIT, "a unit is named by its id, ou-… or r-…")
        for account_id, external_id in self.external_ids.items():
            _each("external_ids", (account_id,), _ACCOUNT, "an account has 12 digits")
            _external_id(f"the ExternalId of {account_id}", external_id)
        _external_id("external_id", self.external_id)
        _external_id("hub_external_id", self.hub_external_id)
        _each("session_name", (self.session_name,), _SESSION_NAME, "2 to 64 of A-Z a-z 0-9 + = , . @ _ -")
        _each("role", (self.role,) if self.role is not None else (), _ROLE_NAME, "a role's name or ARN")
        _each(
            "hub_role",
            (self.hub_role,) if self.hub_role is not None else (),
            re.compile(r"arn:[\w\-]+:iam::\d{12}:role/.+"),
            "the role's ARN",
        )
        _each("session_policy", self.session_policy, _POLICY, "a managed policy's name or ARN")
        _each("billing", (self.billing,) if self.billing is not None else (), _BILLING, "s3://bucket/prefix, without wildcards")
        _each("billing_key", (self.billing_key,) if self.billing_key is not None else (), _KEY_ARN, "the key's ARN")
        if len(self.session_policy) > _MOST_POLICIES:
            raise SettingsError(f"session_policy: {len(self.session_policy)} policies; AWS takes {_MOST_POLICIES}")
        alone = next((each for each in self.session_policy if each.startswith("arn:") and ":iam::aws:" not in each), None)
        if alone and not self.is_one_account:
            raise SettingsError(f"session_policy: {alone} is one account's policy; for several accounts give the policy's name")
        if self.role and self.role.startswith("arn:") and not self.is_one_account:
            raise SettingsError(f"role: {self.role} is one account's role; for several accounts give the role's name")

    @property
    def reads_organization(self) -> bool:
        return self.organization or bool(self.unit or self.exclude_unit)

    @property
    def is_one_account(self) -> bool:
        return not self.reads_organization and len(self.account) < 2


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsSettings(Where):
    """What the collection of metrics can be told."""

    max_metric_cost: float | None = setting(
        "Stop before the first call for metrics that would bring their price above this.", default=None, metavar="DOLLARS"
    )
    metric_price: float = setting(
        "What CloudWatch takes for a thousand metrics (GetMetricData, us-east-1, 2026-11).", default=DOLLARS_PER_THOUSAND, metavar="DOLLARS"
    )
    s3_kms_key: str | None = setting("Encrypt what goes to S3 with this KMS key, or AES256.", default=None, metavar="KEY")
    deadline: str | None = setting(
        "Begin no new task after this time (90s, 50m, 2h); the rest is written as cut.", default=None, metavar="TIME"
    )

    def __post_init__(self) -> None:
        Where.__post_init__(self)
        for name in ("max_metric_cost", "metric_price"):
            dollars = getattr(self, name)
            if dollars is not None and not 0 <= dollars < inf:
                raise SettingsError(f"{name}: {dollars} — dollars, none or more")
        if self.deadline is not None and not _DURATION.match(self.deadline):
            raise SettingsError(f'deadline: "{self.deadline}" — a time such as 90s, 50m or 2h')

    @property
    def deadline_seconds(self) -> float | None:
        """Seconds from the start, or None when it may take as long as it takes."""
        return None if self.deadline is None else float(self.deadline[:-1]) * _UNITS[self.deadline[-1]]

    def after(self, seconds: float) -> Self:
        """The same, with what is left of the deadline when *seconds* have gone."""
        left = self.deadline_seconds
        return self if left is None else replace(self, deadline=f"{max(0, int(left - seconds))}s")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings(MetricsSettings):
    """Everything that a run can be told."""

    to: str | None = setting(
        "Where the snapshot goes: a folder, s3://bucket/prefix, or - for standard output.", default=None, metavar="DEST"
    )
    resume: bool = setting("Take up the run that was begun in DEST, if there is one, and do what it has not done.", default=False)
    metrics: bool = setting("Then collect metrics, as `collector metrics` does. CloudWatch takes money for them.", default=False)
    compress: bool = setting("Compress the files (zstd).", default=False)
    part_megabytes: int | None = setting("Start a new file after so many megabytes.", default=None, metavar="MB")
    workers: int | None = setting(
        "Tasks at the same time; otherwise 96 in each process, or fewer where few files may be open.", default=None, metavar="N"
    )
    processes: int | None = setting(
        "Processes to share the accounts among; otherwise as many as there are cores, if there is enough to do.", default=None, metavar="N"
    )

    def __post_init__(self) -> None:
        MetricsSettings.__post_init__(self)
        for name, low, high in (("workers", 1, 1000), ("part_megabytes", 1, 100_000), ("processes", 1, 64)):
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise SettingsError(f"{name}: {value} is not within {low} to {high}")
        if self.resume and self.to is None:
            raise SettingsError("resume: name the destination of the run to take up with --to")
        if self.metrics and self.to == "-":
            raise SettingsError("metrics: standard output keeps no snapshot to add them to; name a folder or s3://bucket/prefix with --to")


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingSettings(Where):
    """Which billing files, read as which account, and where the lines go. ``bucket`` and ``prefix`` are ``billing`` in two words."""

    bucket: str | None = setting("The bucket that AWS delivers the billing files to.", default=None, metavar="NAME")
    prefix: str | None = setting("The folder in the bucket that they lie under; nothing else is read.", default=None, metavar="PREFIX")
    report: str | None = setting("The export or report to read, when there are several.", default=None, metavar="NAME")
    period: tuple[str, ...] = setting("Read this billing period (2026-10).", metavar="YYYY-MM")
    last: int = setting("Read so many periods, the newest; the days of a month and refunds change the last three.", default=3, metavar="N")
    to: str | None = setting(
        "Where billing.jsonl goes: a finished snapshot or a new one, a folder or s3://bucket/prefix.", default=None, metavar="DEST"
    )
    s3_kms_key: str | None = setting("Encrypt what goes to S3 with this KMS key, or AES256.", default=None, metavar="KEY")
    memory_megabytes: int = setting(
        "Add up in so much memory, beside 100 MB of the process's own; the rest goes to TMPDIR.", default=512, metavar="MB"
    )
    snapshot: Path | None = setting("Count which billed resources this snapshot has; otherwise DEST's own.", default=None, metavar="DIR")

    def __post_init__(self) -> None:
        Where.__post_init__(self)
        if (self.bucket is None) != (self.prefix is None):
            raise SettingsError("bucket and prefix go together: where do the billing files lie?")
        if self.bucket is not None:
            prefix = f"{(self.prefix or '').removesuffix('/')}/"
            place = f"s3://{self.bucket}/{prefix}"
            if self.billing is not None and self.billing.removesuffix("/") != place.removesuffix("/"):
                raise SettingsError(f"billing is {self.billing}, but bucket and prefix are {place}: say it once")
            object.__setattr__(self, "billing", place)
        elif self.billing is None:
            raise SettingsError("where do the billing files lie? Name --bucket and --prefix")
        bucket, _, prefix = str(self.billing).removeprefix("s3://").partition("/")
        for name, value in (
            ("bucket", bucket),
            ("prefix", f"{prefix.removesuffix('/')}/"),
            ("billing", f"s3://{bucket}/{prefix.removesuffix('/')}/"),
        ):
            object.__setattr__(self, name, value)
        _each("bucket", (bucket,), _BUCKET, "a bucket's name")
        _each("prefix", (str(self.prefix),), _FOLDERS, "folders, each followed by /, without wildcards: exports/billing/")
        _each("period", self.period, _PERIOD, "a month such as 2026-10")
        if not 1 <= self.last <= 120:
            raise SettingsError(f"last: {self.last} is not within 1 to 120")
        if self.memory_megabytes < LEAST_MEGABYTES:
            raise SettingsError(f"memory_megabytes: {self.memory_megabytes} is too little; {LEAST_MEGABYTES} is enough")
        if self.to is None:
            raise SettingsError("to is missing: name a finished snapshot or a new one, with --to")
        if not self.is_one_account:
            raise SettingsError("billing files are one account's: name the --account that they are read with")


def _each(name: str, values: Iterable[str], form: re.Pattern[str], what: str) -> None:
    for value in values:
        if not form.match(value):
            raise SettingsError(f'{name}: "{value}" — {what}')


def _external_id(name: str, value: Any) -> None:
    """The value itself is never repeated: it is half of what protects the customer's role."""
    if value is not None and not (isinstance(value, str) and _EXTERNAL_ID.match(value)):
        raise SettingsError(f"{name}: not an ExternalId (2 to 1,224 of A-Z a-z 0-9 _ + = , . @ : / -)")


def known_settings() -> dict[str, Field[Any]]:
    """Every setting of any command, by its name."""
    return {each.name: each for kind in (RunSettings, BillingSettings) for each in fields(kind)}


def read_file(path: Path) -> dict[str, Any]:
    """The settings in *path*. Raises SettingsError for what is not TOML, no setting, or of the wrong kind."""
    try:
        document = tomllib.loads(_text(path))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # not TOML, not UTF-8, a number without end
        raise SettingsError(f"{path}: not TOML: {error}") from error
    known = known_settings()
    for name, value in document.items():
        if name not in known:
            raise SettingsError(f'{path}: unknown setting "{name}"{did_you_mean(name, known)}')
        _right_kind(path, known[name], value)
    return document


def _text(path: Path) -> str:
    """The text of a file of ours. Raises OSError, UnicodeDecodeError, and SettingsError for a file of another size than ours have."""
    with path.open("rb") as file:
        text = file.read(LARGEST_FILE + 1)
    if len(text) > LARGEST_FILE:
        raise SettingsError(f"{path}: larger than {LARGEST_FILE:,} bytes; that is no file of settings")
    return text.decode()


def _right_kind(path: Path, known: Field[Any], value: Any) -> None:
    kind = _kind_of(known)
    if not isinstance(value, (int, float) if kind is float else kind) or (isinstance(value, bool) and kind is not bool):
        raise SettingsError(f'{path}: "{known.name}" must be {_KINDS[kind]}')
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if not all(isinstance(each, str) for each in members):
        raise SettingsError(f'{path}: "{known.name}" must hold texts only')


_KINDS: Mapping[type, str] = {
    list: "a list of texts", dict: "a table", bool: "true or false", int: "a whole number", float: "a number", str: "text",
}  # fmt: skip
"""What a setting may be in a file, by what TOML makes of that."""


def _kind_of(known: Field[Any]) -> type:
    """The one of _KINDS that a setting is: its field's type, or, of two, the one that is not None."""
    told: Any = known.type
    if isinstance(told, UnionType):
        told = next(each for each in get_args(told) if each is not NoneType)
    written: Mapping[Any, type] = {tuple: list, Mapping: dict, Path: str}
    origin = get_origin(told) or told
    return written.get(origin, origin)


def read_external_ids(path: Path) -> str | dict[str, str]:
    """The ExternalId in *path*, or the table of one for each account."""
    try:
        text = _text(path).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"external_id_file: {path} cannot be read") from error
    if "=" not in text or ("\n" not in text and _EXTERNAL_ID.match(text)):
        return text
    try:
        return {str(name): str(value) for name, value in tomllib.loads(text).items()}
    except (ValueError, RecursionError) as error:
        raise SettingsError(f'external_id_file: {path} holds neither one ExternalId nor lines of 111122223333 = "…"') from error
