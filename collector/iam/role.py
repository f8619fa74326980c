"""The two roles that a customer is asked for, with open parameters: trust, policies, what it may see of itself, billing.

Texts hold parameters as ``${Name}``. ``template`` and ``terraform`` write them in the words of their tools; ``filled`` puts values in.

Whom it trusts: the trusted principal's account, narrowed to that one principal by ``aws:PrincipalArn``. Naming the principal itself would
bind the role to its hidden unique id: recreated under the same name, it would be locked out of every customer at once, and no template
could be deployed before the principal exists. For a role's session ``aws:PrincipalArn`` is the role's ARN, so equality is enough.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from collector.iam.form import Kind
from collector.iam.permissions import INSPECT_POLICY, INSPECT_ROLE
from collector.iam.policy import DENY, NAME, PolicyDocument, Statements

SESSION_SECONDS = 3600
"""The longest session of the role: AWS's least, and its most for a role that was assumed by another role."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """What the customer fills in. *pattern* must match the whole value; an empty default means that it may be left out."""

    name: str
    about: str
    pattern: str
    refusal: str
    default: str | None = None
    secret: bool = False

    @property
    def optional(self) -> bool:
        return self.default == ""


@dataclass(frozen=True, slots=True)
class Inline:
    """A policy inside the role. It is left out without the optional parameter *only_with*, or with the parameter *only_without*."""

    name: str
    document: PolicyDocument
    only_with: str | None = None
    only_without: str | None = None


@dataclass(frozen=True, slots=True)
class Role:
    """A role to be made: ``${RoleName}`` under ``${RolePath}``."""

    kind: Kind
    parameters: tuple[Parameter, ...]
    trust: PolicyDocument
    managed: Mapping[str, PolicyDocument]
    """The grants, by what follows ``${RoleName}-`` in the name; none holds a parameter."""
    inline: tuple[Inline, ...]


_ARN = "arn:aws[a-z-]*"
_NAME = "[A-Za-z0-9_+=,.@-]"  # https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html, without wildcards
_EXTERNAL_ID = "[A-Za-z0-9_+=,.@:/-]"
_COMMON = (
    Parameter(
        "TrustedPrincipalArn",
        "The one role or user that may assume this role.",
        f"{_ARN}:iam::[0-9]{{12}}:(role|user)/[/{_NAME[1:]}{{1,512}}",
        "The ARN of one IAM role or user, without wildcards.",
    ),
    Parameter(
        "ExternalId",
        "The ExternalId that was agreed on; nobody can assume the role without it.",
        f"{_EXTERNAL_ID}{{2,612}}{_EXTERNAL_ID}{{0,612}}",  # Terraform's regular expressions count to a thousand
        "2 to 1,224 of A-Z a-z 0-9 _ + = , . @ : / -",
        secret=True,
    ),
    Parameter(
        "RoleName",
        "The role's name; its policies' names begin with it.",
        f"{_NAME}{{1,64}}",
        "1 to 64 of A-Z a-z 0-9 _ + = , . @ -",
        NAME,
    ),
    Parameter(
        "RolePath",
        "The path of the role and its policies.",
        f"/({_NAME}{{1,64}}/){{0,4}}",
        "A path that begins and ends with /, of at most four names and without wildcards.",
        "/",
    ),
    Parameter(
        "PermissionsBoundaryArn",
        "Optional: the managed policy that bounds the role's permissions.",
        f"({_ARN}:iam::([0-9]{{12}}|aws):policy/[/{_NAME[1:]}{{1,512}})?",
        "The ARN of a managed policy, or nothing.",
        "",
    ),
)
_BILLING = (
    Parameter(
        "BillingBucket",
        "The bucket that AWS delivers the billing files to.",
        "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
        "The bucket's name, without wildcards.",
    ),
    Parameter(
        "BillingPrefix",
        "The prefix of the billing files in the bucket.",
        "([A-Za-z0-9!_.'()=-]{1,64}/){1,8}",
        "At most eight folders, each followed by /, without wildcards: exports/billing/",
    ),
    Parameter(
        "BillingKeyArn",
        "Optional: the KMS key that the billing files are encrypted with.",
        f"({_ARN}:kms:[a-z0-9-]+:[0-9]{{12}}:key/[A-Za-z0-9-]+)?",
        "The ARN of one KMS key, or nothing.",
        "",
    ),
)

BILLING_READS = ("kms:Decrypt", "s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket")
"""What the billing role may do on its bucket: its Deny spares these, and a policy of its own denies the data reads everywhere else."""


def role(kind: Kind, policies: Mapping[str, PolicyDocument]) -> Role:
    """The role with *policies*, as ``policy.policies`` names them; for billing they must be made with ``denied_elsewhere=BILLING_READS``.

    The Deny is inside the role: there it lives and dies with it, cannot be detached, and takes none of the ten managed policies.
    """
    billing = kind is Kind.BILLING
    return Role(
        kind,
        parameters=_COMMON + (_BILLING if billing else ()),
        trust=trust("${TrustedPrincipalArn}", "${ExternalId}", root="arn:${AWS::Partition}:iam::${TrustedAccount}:root"),
        managed={name: document for name, document in policies.items() if name != DENY},
        inline=(Inline(DENY, policies[DENY]), *_SELF_INSPECTION, *(_BILLING_FILES if billing else ())),
    )


def trust(principal_arn: str, external_id: str, *, root: str) -> PolicyDocument:
    """The trust policy, which the preflight compares with the live one; *root* is the ARN of the principal's account."""
    condition = {"StringEquals": {"sts:ExternalId": external_id, "aws:PrincipalArn": principal_arn}}
    return _document([{"Effect": "Allow", "Principal": {"AWS": root}, "Action": "sts:AssumeRole", "Condition": condition}])


def filled(made: Role, values: Mapping[str, str], *, partition: str, account_id: str) -> Role:
    """*made* with *values* for its parameters, as it is in account *account_id*; optional policies that nobody asked for are gone."""
    given = {each.name: values.get(each.name, each.default or "") for each in made.parameters}
    known = given | {
        "AWS::Partition": partition,
        "AWS::AccountId": account_id,
        "TrustedAccount": given["TrustedPrincipalArn"].split(":")[4],
    }

    def fill(value: Any) -> Any:
        return replaced(value, lambda name: known[name])

    inline = tuple(
        Inline(each.name, fill(each.document))
        for each in made.inline
        if (each.only_with is None or known[each.only_with]) and not (each.only_without and known[each.only_without])
    )
    managed = {f"{given['RoleName']}-{name}": document for name, document in made.managed.items()}
    return Role(made.kind, made.parameters, fill(made.trust), managed, inline)


def replaced(value: Any, word_for: Any) -> Any:
    """*value*, at any depth, with each ``${Name}`` put as ``word_for(Name)``."""
    if isinstance(value, Mapping):
        return {name: replaced(each, word_for) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [replaced(each, word_for) for each in value]
    return REFERENCE.sub(lambda match: word_for(match[1]), value) if isinstance(value, str) else value


REFERENCE = re.compile(r"\$\{([A-Za-z:]+)\}")


def _document(statements: Statements) -> PolicyDocument:
    return {"Version": "2012-10-17", "Statement": statements}


_IAM = "arn:${AWS::Partition}:iam::${AWS::AccountId}"
_SELF_INSPECTION = (
    Inline(
        "SelfInspection",
        _document(
            [
                {
                    "Effect": "Allow",
                    "Action": list(INSPECT_ROLE),
                    "Resource": f"{_IAM}:role${{RolePath}}${{RoleName}}",
                },
                {"Effect": "Allow", "Action": list(INSPECT_POLICY), "Resource": f"{_IAM}:policy${{RolePath}}${{RoleName}}-*"},
            ]
        ),
    ),
    Inline(
        "BoundaryInspection",
        _document([{"Effect": "Allow", "Action": list(INSPECT_POLICY), "Resource": "${PermissionsBoundaryArn}"}]),
        only_with="PermissionsBoundaryArn",
    ),
)
_BUCKET = "arn:${AWS::Partition}:s3:::${BillingBucket}"
_FILES = f"{_BUCKET}/${{BillingPrefix}}*"
# In China a service's name ends in amazonaws.com.cn: https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
_THROUGH_S3 = {"StringLike": {"kms:ViaService": ["s3.*.amazonaws.com", "s3.*.amazonaws.com.cn"]}}
_BILLING_FILES = (
    Inline(
        "BillingFiles",
        _document(
            [
                {"Effect": "Allow", "Action": "s3:GetObject", "Resource": _FILES},
                {"Effect": "Allow", "Action": "s3:GetBucketLocation", "Resource": _BUCKET},
                {
                    "Effect": "Allow",
                    "Action": "s3:ListBucket",
                    "Resource": _BUCKET,
                    "Condition": {"StringLike": {"s3:prefix": "${BillingPrefix}*"}},
                },
                {"Effect": "Deny", "Action": "s3:GetObject", "NotResource": _FILES},
                {"Effect": "Deny", "Action": "s3:ListBucket", "NotResource": _BUCKET},
            ]
        ),
    ),
    Inline(
        "BillingKey",
        _document(
            [
                {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "${BillingKeyArn}", "Condition": _THROUGH_S3},
                {"Effect": "Deny", "Action": "kms:Decrypt", "NotResource": "${BillingKeyArn}"},
            ]
        ),
        only_with="BillingKeyArn",
    ),
    Inline(
        "NoBillingKey",
        _document([{"Effect": "Deny", "Action": "kms:Decrypt", "Resource": "*"}]),
        only_without="BillingKeyArn",
    ),
)
