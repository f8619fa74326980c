"""`python -m tests.synthetic`: serve until standard input ends, SIGTERM or SIGINT comes, or --seconds are over.

The URL is the first line of standard output; with --tls the certificate to trust is the second.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from tests.synthetic.serving import serving
from tests.synthetic.settings import Fault, PagingRule, Settings, Throttle


def settings_from(arguments: Sequence[str]) -> tuple[Settings, float | None]:
    """The settings, and the seconds to live (None: no limit), that *arguments* say."""
    defaults = Settings()
    parser = argparse.ArgumentParser(prog="python -m tests.synthetic", description="A synthetic AWS on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--seconds", type=float, help="stop after so long")
    parser.add_argument("--items", type=int, default=defaults.items, help="items on a page")
    parser.add_argument("--pages", type=int, default=defaults.pages)
    parser.add_argument("--nested", type=int, default=defaults.nested, help="length of lists inside an item")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--jitter", type=float, default=0.0, help="up to so many seconds more")
    parser.add_argument("--throttle", action="append", default=[], metavar="[SERVICE:]RATE:BURST", help="per account, region, service")
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="KEY=VALUE,…",
        help="service= operation= account= region= containing= kind= code= status= message= body= first= every=",
    )
    parser.add_argument(
        "--paging",
        action="append",
        default=[],
        metavar="SERVICE:OPERATION:INPUT:OUTPUT[:MORE]",
        help="an extra paging rule",
    )
    parser.add_argument("--canary", action="append", default=[], metavar="SERVICE:OPERATION:PATH", help="plant a canary")
    parser.add_argument("--regions", default=",".join(defaults.regions), help="what DescribeRegions says")
    parser.add_argument("--accounts", default=",".join(defaults.accounts), help="what Organizations says, or a count")
    parser.add_argument("--account", default=defaults.account, help="of keys that carry none")
    parser.add_argument("--credential-seconds", type=int, help="lifetime of assumed credentials")
    parser.add_argument("--tls", action="store_true")
    given = parser.parse_args(arguments)
    settings = Settings(
        items=given.items,
        pages=given.pages,
        nested=given.nested,
        latency=given.latency,
        jitter=given.jitter,
        throttle=tuple(_throttle(text) for text in given.throttle),
        faults=tuple(_fault(text) for text in given.fault),
        paging=dict(_paging(text) for text in given.paging),
        canaries=frozenset(_three(text) for text in given.canary),
        regions=tuple(given.regions.split(",")),
        accounts=_accounts(given.accounts),
        account=given.account,
        credential_seconds=given.credential_seconds,
        tls=given.tls,
        port=given.port,
    )
    return settings, given.seconds


def _throttle(text: str) -> Throttle:
    *service, rate, burst = text.split(":")
    return Throttle(float(rate), float(burst), *service)


def _fault(text: str) -> Fault:
    given: dict[str, Any] = dict(pair.split("=", 1) for pair in text.split(","))
    for key in ("status", "first", "every"):
        if key in given:
            given[key] = int(given[key])
    if "body" in given:
        given["body"] = given["body"].encode()
    return Fault(**given)


def _paging(text: str) -> tuple[tuple[str, str], PagingRule]:
    service, operation, asked, answered, *more = text.split(":")
    return (service, operation), PagingRule((asked,), (answered,), more[0] if more else None)


def _three(text: str) -> tuple[str, str, str]:
    service, operation, path = text.split(":", 2)
    return service, operation, path


def _accounts(text: str) -> tuple[str, ...]:
    if len(text) < 12 and text.isdecimal():
        return tuple(str(100_000_000_000 + number) for number in range(int(text)))
    return tuple(text.split(","))


async def _serve(settings: Settings, seconds: float | None) -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)

    def stdin_ready() -> None:
        if not os.read(sys.stdin.fileno(), 65536):
            loop.remove_reader(sys.stdin.fileno())
            stopped.set()

    async with serving(settings) as running:
        print(running.url, flush=True)
        if running.certificate is not None:
            print(running.certificate, flush=True)
        with contextlib.suppress(OSError, ValueError):  # closed, or a file, which epoll refuses: it can tell nothing
            loop.add_reader(sys.stdin.fileno(), stdin_ready)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), seconds)


if __name__ == "__main__":
    chosen, lifetime = settings_from(sys.argv[1:])
    asyncio.run(_serve(chosen, lifetime))
