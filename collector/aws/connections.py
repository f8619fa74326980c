"""One pool of connections and one TLS context for all clients. A new TLS connection costs over a millisecond of CPU, a new context 20."""

import asyncio
import resource
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
from aiobotocore.httpsession import AIOHTTPSession
from aiohttp.client_proto import ResponseHandler
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)
from botocore.httpsession import ProxyConfiguration, create_urllib3_context, get_cert_path, mask_proxy_url
from botocore.utils import get_environ_proxies
from yarl import URL

from collector.aws.exchange import bounded, exchange

CONNECT_SECONDS, READ_SECONDS = 3, 60
"""AWS's control planes accept a connection within a second or not at all; the slowest describe calls answer within a minute."""
ANSWER_SECONDS = 300
"""For a whole answer, however slowly its bytes come."""
SOCKETS = 1024
"""Open at most, in use and idle together, and at most three quarters of what the system lets a process open."""
IDLE_SECONDS = 12
"""aiobotocore's own. Over all regions of a service, the next account comes round well within it."""
DNS_SECONDS = 60
"""AWS's endpoints have times to live of a minute and less."""


def sockets_allowed() -> int:
    """How many sockets the pool may have open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return SOCKETS if soft == resource.RLIM_INFINITY else max(1, min(SOCKETS, soft * 3 // 4))


class _Connector(aiohttp.TCPConnector):
    """aiohttp limits only connections in use. A run visits thousands of hosts, so the idle count as well: the longest idle is closed."""

    def __init__(self, sockets: int, **settings: Any) -> None:
        super().__init__(limit=sockets, **settings)
        self._sockets = sockets

    async def _create_connection(self, *arguments: Any, **named: Any) -> ResponseHandler:
        idle = sum(map(len, self._conns.values()))
        excess = len(self._acquired) + idle - self._sockets
        if idle and excess > 0:
            self._close_idle(min(idle, excess + self._sockets // 8))
        return await super()._create_connection(*arguments, **named)

    def _close_idle(self, count: int) -> None:
        """Close the *count* longest idle connections."""
        waiting = [(since, key) for key, idle in self._conns.items() for _, since in idle]
        for _, key in sorted(waiting, key=itemgetter(0))[:count]:
            protocol, _ = self._conns[key].popleft()
            protocol.close()
            if not self._conns[key]:
                del self._conns[key]


class _Response(aiohttp.ClientResponse):
    """A response of which no more than LARGEST is read."""

    async def read(self) -> bytes:
        if self._body is None:
            try:
                self._body = await bounded(self.content, None)
            except BaseException:
                self.close()
                raise
        return self._body


@dataclass(frozen=True, slots=True)
class Received:
    """An HTTP response: the headers, found by their names in lower case, and the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Connections:
    """HTTP for all clients. *verify* is as in botocore: True, False, or the path of the certificates to trust."""

    def __init__(self, verify: bool | str = True) -> None:
        self._verify = verify
        self._session: aiohttp.ClientSession | None = None
        self.received = 0
        """Bytes of answers so far, without their headers."""

    def session(self) -> aiohttp.ClientSession:
        """The one session, made when first asked for, in the event loop that uses it."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=_Connector(sockets_allowed(), ssl=_tls(self._verify), keepalive_timeout=IDLE_SECONDS, ttl_dns_cache=DNS_SECONDS),
                timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS, sock_connect=CONNECT_SECONDS, sock_read=READ_SECONDS),
                response_class=_Response,
                cookie_jar=aiohttp.DummyCookieJar(),  # one account's cookies are not another's
                skip_auto_headers={"Content-Type"},
                auto_decompress=False,
            )
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(self, method: str, url: URL, headers: Mapping[str, str], body: bytes, proxy: str | None = None) -> Received:
        """The response to one request; a redirect is one, and is not followed. Raises botocore's HTTPClientErrors."""
        try:
            if proxy is None:
                status, found, content = await exchange(self.session(), method, url, headers, body)
            else:
                async with self.session().request(
                    method, url, headers=headers, data=body or None, proxy=proxy, allow_redirects=False
                ) as response:
                    status, found, content = response.status, response.headers, await response.read()
            self.received += len(content)
            return Received(status, found, content)
        except (aiohttp.ClientError, OSError) as error:  # asyncio's TimeoutError is an OSError
            raise meaning(error, str(url), proxy) from error

    def of_client(self, **settings: Any) -> AIOHTTPSession:
        """What a client takes for its HTTP session (``http_session_cls``): it sends over these connections and does not close them."""
        return _ClientsSession(self, **settings)


@lru_cache(maxsize=8192)
def _proxy_of_host(scheme: str, host: str) -> str | None:
    url = f"{scheme}://{host}/"
    found: str | None = ProxyConfiguration(proxies=get_environ_proxies(url)).proxy_url_for(url)
    return found


def proxy_for(url: str) -> str | None:
    """The proxy that the environment names for *url*."""
    parts = urlsplit(url)
    return _proxy_of_host(parts.scheme, parts.netloc)


def _tls(verify: bool | str) -> Any:
    """The TLS context as botocore makes it; False when certificates are not to be verified."""
    if not verify:
        return False
    context = create_urllib3_context()
    context.load_verify_locations(get_cert_path(verify))
    return context


class _ClientsSession(AIOHTTPSession):  # type: ignore[misc]
    def __init__(self, connections: Connections, **settings: Any) -> None:
        super().__init__(**settings)
        self._connections: Final = connections

    async def _get_session(self, _proxy_url: str | None) -> "_ClientsSession":
        return self

    async def request(self, method: str, *, url: URL, **settings: Any) -> aiohttp.ClientResponse:
        return await self._connections.session().request(method, url, allow_redirects=False, **settings)

    async def send(self, request: Any) -> Any:
        response = await super().send(request)
        if not request.stream_output:
            self._connections.received += len(await response.content)
        return response


def meaning(error: Exception, url: str, proxy: str | None) -> HTTPClientError:
    """botocore's word for an error of aiohttp's, as aiobotocore chooses it."""
    match error:
        case aiohttp.ClientSSLError():
            return SSLError(endpoint_url=url, error=error)
        case aiohttp.ClientProxyConnectionError() | aiohttp.ClientHttpProxyError():
            return ProxyConnectionError(proxy_url=mask_proxy_url(proxy), error=error)
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientPayloadError() | aiohttp.http_exceptions.BadStatusLine():
            return ConnectionClosedError(error=error, request=None, endpoint_url=url)
        case aiohttp.ServerTimeoutError() if str(error).lower().startswith("connect"):
            return ConnectTimeoutError(endpoint_url=url, error=error)
        case asyncio.TimeoutError():
            return ReadTimeoutError(endpoint_url=url, error=error)
        case aiohttp.ClientConnectionError() | socket.gaierror():
            return EndpointConnectionError(endpoint_url=url, error=error)
    return HTTPClientError(error=error)
