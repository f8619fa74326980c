"""Where something is seeded (an account in a region), and the pen that writes down what was put there."""

import base64
import os
import random
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import aioboto3
import anyio
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession

# moto answers one call at a time; more in flight only wait there.
_CALLS_AT_ONCE = 6


@dataclass(frozen=True, slots=True)
class Credentials:
    access_key_id: str
    secret_access_key: str
    session_token: str | None = None


@dataclass(frozen=True, slots=True)
class Account:
    id: str
    name: str
    credentials: Credentials


@dataclass(frozen=True, slots=True)
class SeededResource:
    """One resource that must be in a snapshot exactly once.

    *region* is `"global"` for types without one; *type* is CloudFormation's name; *identifier* is the ARN where there
    is one.
    """

    account_id: str
    region: str
    type: str
    identifier: str
    tags: dict[str, str]


@dataclass(slots=True)
class Ledger:
    """What was seeded so far, and every text that must never be seen again."""

    resources: list[SeededResource] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)


class Aws:
    """Clients of the emulator, one for each account, region and service, made when first used and closed together."""

    def __init__(self, url: str) -> None:
        self._url = url
        # The user's profile, proxies and endpoint settings need not exist or fit here, and must not matter.
        session = AioSession(session_vars={"profile": (None, None, None, None)})
        session.set_config_variable("config_file", os.devnull)
        session.set_config_variable("credentials_file", os.devnull)
        self._session = aioboto3.Session(botocore_session=session)
        self._config = AioConfig(
            proxies={},
            retries={"total_max_attempts": 1},
            s3={"addressing_style": "path"},
            use_fips_endpoint=False,
            use_dualstack_endpoint=False,
        )
        self._clients: dict[tuple[str, str, str], Any] = {}
        self._limiter = anyio.CapacityLimiter(_CALLS_AT_ONCE)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> "Aws":
        await self._stack.__aenter__()
        return self

    async def __aexit__(self, *exception: Any) -> None:
        await self._stack.__aexit__(*exception)

    async def call(self, account: Account, region: str, service: str, method: str, **members: Any) -> dict[str, Any]:
        """Make one call as *account* in *region*; *method* is boto3's name for the operation."""
        async with self._limiter:
            client = await self._client(account, region, service)
            answer: dict[str, Any] = await getattr(client, method)(**members)
            return answer

    async def _client(self, account: Account, region: str, service: str) -> Any:
        key = (account.credentials.access_key_id, region, service)
        if key not in self._clients:
            made = await self._stack.enter_async_context(
                self._session.client(
                    service,
                    region_name=region,
                    endpoint_url=self._url,
                    # Plain HTTP on loopback; without this every client loads the certificates, for 25 ms.
                    verify=False,
                    aws_access_key_id=account.credentials.access_key_id,
                    aws_secret_access_key=account.credentials.secret_access_key,
                    aws_session_token=account.credentials.session_token,
                    config=self._config,
                )
            )
            self._clients.setdefault(key, made)
        return self._clients[key]


@dataclass(frozen=True, slots=True)
class Place:
    """One account in one region. What is chosen here depends on names alone, never on the order of the calls."""

    account: Account
    region: str
    aws: Aws
    ledger: Ledger

    async def call(self, service: str, method: str, **members: Any) -> dict[str, Any]:
        return await self.aws.call(self.account, self.region, service, method, **members)

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account.id}:{resource}"

    def pick(self, name: str, options: Sequence[str]) -> str:
        """One of *options*, always the same for the same *name* in the same place."""
        return self._random(name).choice(options)

    def tags(self, name: str) -> dict[str, str]:
        """The tags that every well-kept resource of this organisation has."""
        return {
            "Name": name,
            "environment": self.account.name,
            "team": self.pick(f"team of {name}", ("checkout", "data", "platform", "search")),
            "cost-centre": self.pick(f"cost centre of {name}", ("cc-1001", "cc-1002", "cc-2040")),
        }

    def secret(self, kind: str) -> str:
        """A secret to plant, unique to its *kind* and place, at most 41 characters as RDS wants its passwords."""
        secret = f"planted-{kind}-{self._random(f'secret {kind}').randbytes(6).hex()}"
        assert len(secret) <= 41, secret
        self.ledger.secrets.add(secret)
        return secret

    def user_data(self, kind: str) -> str:
        """A start script with a secret in it, in base64; both forms of the secret count as planted."""
        script = f"#!/bin/sh\nexport API_TOKEN={self.secret(kind)}\nexec /opt/service/start\n"
        encoded = base64.b64encode(script.encode()).decode()
        self.ledger.secrets.add(encoded)
        return encoded

    def seeded(self, type: str, identifier: str, tags: dict[str, str] | None = None, *, region: str | None = None) -> None:
        """Write down that a resource now exists here, or in *region* where that is not the place's own."""
        self.ledger.resources.append(SeededResource(self.account.id, region or self.region, type, identifier, dict(tags or {})))

    def _random(self, what: str) -> random.Random:
        return random.Random(f"{self.account.name}/{self.region}/{what}")


def pairs(tags: dict[str, str]) -> list[dict[str, str]]:
    """Tags as most of AWS spells them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def lower_pairs(tags: dict[str, str]) -> list[dict[str, str]]:
    """Tags as ECS, CodeBuild and Step Functions spell them."""
    return [{"key": key, "value": value} for key, value in tags.items()]
