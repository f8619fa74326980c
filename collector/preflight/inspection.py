"""Look up what a role carries: its trust policy, its boundary, and every attached and inline policy in its live version."""

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import anyio

from collector.aws.api_error import ApiError
from collector.aws.page import Asks, Tally, pages
from collector.iam.verdict import RolePolicy
from collector.plan import Target
from collector.spec.model import Call
from collector.spec.permitted import ATTACHED_POLICIES, INLINE_POLICIES, INLINE_POLICY, POLICY, POLICY_VERSION, ROLE


@dataclass(frozen=True, slots=True)
class Unread:
    """Something of the role that IAM did not show: what, which action it takes, and what AWS said."""

    what: str
    action: str
    error: ApiError
    policy: str | None = None
    """The policy that it is, by ARN or name; None for a listing or for the role itself."""


@dataclass(slots=True)
class Inspection:
    """What a role carries, as far as it could be seen."""

    trust: Mapping[str, Any] | str | None = None
    """The trust policy as IAM sends it; None when it could not be seen."""
    policies: list[RolePolicy] = field(default_factory=list)
    boundary: RolePolicy | None = None
    unread: list[Unread] = field(default_factory=list)


async def inspect(gateway: Asks, target: Target, role_name: str) -> Inspection:
    """What the role *role_name* of *target*'s account carries. What IAM refuses to show is told, not raised.

    Some five calls one after the other, whatever the number of policies.
    """
    asking = _Asking(gateway, target, role_name)
    await _together([asking.role, asking.attached, asking.inline])
    found = asking.found
    # Answers come in any order; the same role gives the same findings.
    found.policies.sort(key=lambda policy: (policy.arn or "", policy.name))
    found.unread.sort(key=lambda unread: (unread.what, unread.action))
    return found


class _Asking:
    """One role being asked about."""

    def __init__(self, gateway: Asks, target: Target, role_name: str) -> None:
        self._gateway, self._target, self._role_name = gateway, target, role_name
        self.found = Inspection()

    async def role(self) -> None:
        """The trust policy, and the boundary if there is one."""
        answer = await self._once("its trust policy and boundary", None, ROLE, {"RoleName": self._role_name})
        if answer is None:
            return
        self.found.trust = answer["Role"].get("AssumeRolePolicyDocument")
        arn = answer["Role"].get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
        if arn:
            self.found.boundary = await self._managed(arn, f"its boundary {arn}")

    async def attached(self) -> None:
        listed = [each async for each in self._listed("its attached policies", ATTACHED_POLICIES, "AttachedPolicies")]
        await _together([partial(self._attached_policy, each["PolicyArn"]) for each in listed])

    async def inline(self) -> None:
        names = [each async for each in self._listed("its inline policies", INLINE_POLICIES, "PolicyNames")]
        await _together([partial(self._inline_policy, name) for name in names])

    async def _attached_policy(self, arn: str) -> None:
        policy = await self._managed(arn, f"its policy {arn}")
        # One that cannot be seen is still judged by its name: AWS's own are known.
        self.found.policies.append(policy or RolePolicy(arn.rpartition("/")[2], _NOTHING, arn))

    async def _inline_policy(self, name: str) -> None:
        answer = await self._once(
            f"its inline policy {name}", f"inline policy {name}", INLINE_POLICY, {"RoleName": self._role_name, "PolicyName": name}
        )
        if answer is not None:
            self.found.policies.append(RolePolicy(name, answer.get("PolicyDocument", "")))

    async def _managed(self, arn: str, what: str) -> RolePolicy | None:
        """The policy *arn* in its live version; None when it cannot be seen."""
        answer = await self._once(what, arn, POLICY, {"PolicyArn": arn})
        if answer is None:
            return None
        live = answer["Policy"]["DefaultVersionId"]
        version = await self._once(what, arn, POLICY_VERSION, {"PolicyArn": arn, "VersionId": live})
        return None if version is None else RolePolicy(arn.rpartition("/")[2], version["PolicyVersion"].get("Document", ""), arn)

    async def _once(self, what: str, policy: str | None, call: Call, params: Mapping[str, Any]) -> dict[str, Any] | None:
        try:
            return await self._gateway.once(call, self._target, params, Tally())
        except ApiError as error:
            self.found.unread.append(Unread(what, call.action, error, policy))
            return None

    async def _listed(self, what: str, call: Call, member: str) -> AsyncIterator[Any]:
        try:
            async for answer in pages(self._gateway, call, self._target, {"RoleName": self._role_name}, Tally()):
                for each in answer.get(member, ()):
                    yield each
        except ApiError as error:
            self.found.unread.append(Unread(what, call.action, error))


_NOTHING: Mapping[str, Any] = {"Version": "2012-10-17", "Statement": []}


async def _together(jobs: Sequence[Callable[[], Coroutine[Any, Any, None]]]) -> None:
    async with anyio.create_task_group() as group:
        for job in jobs:
            group.start_soon(job)
