"""An object in S3 as a stream: through the gateway like every call, its bytes one piece after the other.

The answer to GetObject is botocore's own way (`session.py`): its signer asks the same guard, its connections follow no redirect, and its
body checks its length and, where S3 tells one, its checksum.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from botocore.exceptions import BotoCoreError

from collector.aws.api_error import ApiError
from collector.aws.page import Asks, Tally
from collector.plan import Target
from collector.spec.model import Call

PIECE = 1 << 20
"""Bytes in memory at a time."""


class BrokenOffError(ApiError):
    """The object's bytes stopped coming, or are not the object's: what came so far is worth nothing, and it may be asked for again."""


@asynccontextmanager
async def stored(gateway: Asks, call: Call, target: Target, params: Mapping[str, Any], tally: Tally) -> AsyncIterator[AsyncIterator[bytes]]:
    """The bytes that GetObject answers, in pieces. Raises ApiError when it does not answer; the pieces raise BrokenOffError."""
    answer = await gateway.once(call, target, params, tally)
    body = answer["Body"]
    async with body:  # what this gives is aiohttp's, and checks nothing
        yield _pieces(body, int(answer["ContentLength"]))


async def _pieces(body: Any, length: int) -> AsyncIterator[bytes]:
    received = 0
    try:
        while piece := await body.read(PIECE):
            received += len(piece)
            yield piece
    except (BotoCoreError, aiohttp.ClientError, OSError) as raised:
        raise BrokenOffError("unreachable", type(raised).__name__) from raised
    if received != length:
        raise BrokenOffError("unreachable", "IncompleteObject")
