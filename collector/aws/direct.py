"""One operation from parameters to values, without botocore's general machinery.

botocore's models, endpoint rules, serialisers and event handlers make the request, once for the same parameters and region; signing,
sending and reading are ours. What is not known here goes botocore's own way, through its client: `Direct.of` gives None for an operation
in which botocore would do more than is done here, `request` gives None for a request that is not signed with Signature Version 4.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import orjson
from aiobotocore._helpers import resolve_awaitable
from aiobotocore.httpchecksum import apply_request_checksum
from botocore.awsrequest import HeadersDict, create_request_object, prepare_request_dict
from botocore.client import resolve_checksum_context
from botocore.compress import maybe_compress_request
from botocore.exceptions import ClientError
from botocore.model import OperationModel, ServiceModel
from botocore.parsers import ResponseParserError, ResponseParserFactory
from botocore.serialize import create_serializer

from collector.aws import handlers
from collector.aws.connections import Received, proxy_for
from collector.aws.handlers import Handler
from collector.aws.parse import UNFORESEEN, Compiler, Parse, compiled, moment_text
from collector.aws.sign import Unsigned, unsigned

TEMPLATES = 2048
"""Requests kept for their next use; a listing is asked with the same parameters in every account."""
TEMPLATE_PARAMETERS = 512
"""Bytes of parameters, as JSON, above which a request is too special to be kept."""


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """Where a call goes to and how it is signed, by botocore's endpoint rules."""

    url: str
    headers: Mapping[str, str]
    context: Mapping[str, Any]
    signature: str
    region: str
    service: str


class Shared:
    """What all operations of a process share: requests that lack only a signature, endpoints, and what serialises and reads."""

    def __init__(self) -> None:
        self.requests: dict[tuple[str, str, str, str], Unsigned] = {}
        self.endpoints: dict[tuple[Any, ...], _Endpoint] = {}
        self.compilers: dict[str, Compiler] = {}
        self._serializers: dict[str, Any] = {}
        self._parsers: dict[str, Any] = {}

    def keep(self, key: tuple[str, str, str, str], request: Unsigned) -> None:
        if len(self.requests) >= TEMPLATES:
            del self.requests[next(iter(self.requests))]  # the oldest: accounts change fastest, so it is done with
        self.requests[key] = request

    def forget(self, service: str) -> None:
        """Let go of all that is about *service* alone."""
        self.compilers.pop(service, None)
        for kept in (self.requests, self.endpoints):
            for key in [key for key in kept if key[0] == service]:
                del kept[key]

    def serializer(self, protocol: str) -> Any:
        if protocol not in self._serializers:
            self._serializers[protocol] = create_serializer(protocol)
        return self._serializers[protocol]

    def parser(self, protocol: str) -> Any:
        """botocore's own."""
        if protocol not in self._parsers:
            parsers = ResponseParserFactory()
            parsers.set_parser_defaults(timestamp_parser=moment_text)
            self._parsers[protocol] = parsers.create_parser(protocol)
        return self._parsers[protocol]


@dataclass(frozen=True, slots=True)
class Direct:
    """One operation of one client."""

    client: Any
    operation: OperationModel
    parse: Parse
    payload: str | None
    user_agent: str
    shared: Shared
    serializer: Any
    ordinary_parser: Any
    before_build: tuple[Handler, ...]
    before_call: tuple[Handler, ...]
    before_parse: tuple[Handler, ...]
    after_call: tuple[Handler, ...]
    after_error: tuple[Handler, ...]

    @classmethod
    def of(cls, client: Any, operation_name: str, user_agent: str, shared: Shared) -> Self | None:
        """The direct way of an operation; None when botocore would do something in it that is not done here."""
        operation = client.meta.service_model.operation_model(operation_name)
        # Its shapes are needed for this moment only, and are large: they are not left in the client's model.
        parse = compiled(_anew(operation), shared.compilers)
        if parse is None or operation.has_streaming_input or operation.http_checksum.get("responseAlgorithms"):
            return None
        if not handlers.dispensable(client, operation):
            return None
        after_call = handlers.at(client, "after-call", operation)
        protocol = operation.service_model.resolved_protocol
        return cls(
            client=client,
            operation=operation,
            parse=parse,
            payload=operation.output_shape.serialization.get("payload") if operation.output_shape else None,
            user_agent=user_agent,
            shared=shared,
            serializer=shared.serializer(protocol),
            ordinary_parser=shared.parser(protocol),
            before_build=(
                *handlers.at(client, "provide-client-params", operation),
                *handlers.at(client, "before-parameter-build", operation),
            ),
            before_call=handlers.at(client, "before-call", operation),
            before_parse=handlers.at(client, "before-parse", operation),
            after_call=tuple(handlers.of_answers(after_call, _anew(operation))),
            after_error=after_call,
        )

    async def request(self, region: str, params: Mapping[str, Any]) -> Unsigned | None:
        """The request in *region*; None when it has to be signed in a way that is not known here. Raises what botocore raises."""
        fingerprint = _fingerprint(params)
        key = (self.operation.service_model.service_name, self.operation.name, region, fingerprint)
        kept = self.shared.requests.get(key)
        if kept is not None:
            return kept
        request = await self._built(region, dict(params))
        if request is not None and fingerprint and not self.operation.idempotent_members:
            self.shared.keep(key, request)
        return request

    async def _built(self, region: str, params: dict[str, Any]) -> Unsigned | None:
        """What botocore's client does before it sends (aiobotocore/client.py, _make_api_call)."""
        operation = self.operation
        context: dict[str, Any] = {
            "client_region": self.client.meta.region_name,
            "client_config": self.client.meta.config,
            "has_streaming_input": False,
            "auth_type": operation.resolved_auth_type,
            "unsigned_payload": operation.unsigned_payload,
            "auth_options": operation.service_model.metadata.get("auth"),
        }
        for handler in self.before_build:
            replaced = await resolve_awaitable(handler(params=params, model=operation, context=context))
            params = replaced if replaced is not None else params
        endpoint = await self._endpoint(region, params, context)
        if endpoint.signature not in ("v4", "s3v4"):
            return None
        context.update(endpoint.context)
        parts = self.serializer.serialize_to_request(params, operation)
        if not self.client.meta.config.inject_host_prefix:
            parts.pop("host_prefix", None)
        parts["headers"].update(endpoint.headers)
        prepare_request_dict(parts, endpoint_url=endpoint.url, user_agent=self.user_agent, context=context)
        resolve_checksum_context(parts, operation, params)
        for handler in self.before_call:
            answered = await resolve_awaitable(
                handler(model=operation, params=parts, request_signer=self.client._request_signer, context=context)  # noqa: SLF001
            )
            if answered is not None:
                return None
        maybe_compress_request(self.client.meta.config, parts, operation)
        apply_request_checksum(parts)
        if (
            context.get("payload_signing_enabled") is False
            or (context["client_config"].s3 or {}).get("payload_signing_enabled") is not None
        ):
            return None
        prepared = create_request_object(parts).prepare()
        body = prepared.body or b""
        if not isinstance(body, str | bytes):
            return None
        headers = {name: value if isinstance(value, str) else value.decode() for name, value in prepared.headers.items()}
        return unsigned(
            operation.service_model.service_name,
            operation.name,
            prepared.method,
            prepared.url,
            {**headers, "Accept-Encoding": "identity"},
            body.encode() if isinstance(body, str) else body,
            proxy=proxy_for(prepared.url),
            region=endpoint.region,
            service=endpoint.service,
            s3=endpoint.signature == "s3v4",
        )

    async def _endpoint(self, region: str, params: Mapping[str, Any], context: dict[str, Any]) -> _Endpoint:
        """botocore's own memory of endpoints is one for the process and holds a hundred."""
        operation = self.operation
        if operation.context_parameters or operation.operation_context_parameters:
            return await self._resolved(params, context)
        static = tuple((each.name, str(each.value)) for each in operation.static_context_parameters)
        key = (operation.service_model.service_name, region, str(operation.resolved_auth_type), operation.unsigned_payload, static)
        known = self.shared.endpoints.get(key)
        if known is None:
            known = self.shared.endpoints[key] = await self._resolved(params, context)
        return known

    async def _resolved(self, params: Mapping[str, Any], context: dict[str, Any]) -> _Endpoint:
        client, operation = self.client, self.operation
        before = dict(context)
        url, headers, properties = await client._resolve_endpoint_ruleset(operation, params, context)  # noqa: SLF001
        if properties:
            context["endpoint_properties"] = properties
        signer = client._request_signer  # noqa: SLF001
        signing = context.get("signing", {})
        region, service = signing.get("region", signer.region_name), signing.get("signing_name", signer.signing_name)
        # The signer asks its client's handlers which signature it is (aiobotocore/signers.py, _choose_signer).
        _, chosen = await client.meta.events.emit_until_response(
            f"choose-signer.{client.meta.service_model.service_id.hyphenize()}.{operation.name}",
            signing_name=service,
            region_name=region,
            signature_version=context.get("auth_type") or signer.signature_version,
            context=context,
        )
        signature = chosen if chosen is not None else context.get("auth_type") or signer.signature_version
        added = {name: value for name, value in context.items() if name not in before or before[name] is not value}
        return _Endpoint(url, headers, added, str(signature), region, service)

    def values(self, received: Received) -> dict[str, Any]:
        """What *received* says. Raises ClientError for an error and ResponseParserError for what cannot be read."""
        if received.status < 300:
            try:
                found = self.parse(received.status, received.headers, received.body)
                for handler in self.after_call:
                    handler(parsed=found, model=self.operation)
            except UNFORESEEN:
                pass
            else:
                if found and (self.payload is None or found.get(self.payload) != {}):
                    return found
                # Nothing that the model knows: it may be no answer at all.
        try:
            return self._by_botocore(received)
        except UNFORESEEN as error:
            raise ResponseParserError(f"{self.operation.name}: {type(error).__name__}") from error

    def _by_botocore(self, received: Received) -> dict[str, Any]:
        response = {
            "status_code": received.status,
            "headers": HeadersDict(received.headers),
            "body": received.body,
            "context": {"operation_name": self.operation.name},
        }
        for handler in self.before_parse:
            handler(operation_model=self.operation, response_dict=response, customized_response_dict={})
        found: dict[str, Any] = self.ordinary_parser.parse(response, self.operation.output_shape)
        found.pop("ResponseMetadata" if int(response["status_code"]) < 300 else "", None)
        for handler in self.after_error:
            handler(parsed=found, model=self.operation, context={})
        if int(response["status_code"]) >= 300:
            raise ClientError(found, self.operation.name)
        return found


def _anew(operation: OperationModel) -> OperationModel:
    model = operation.service_model
    return ServiceModel(model._service_description, model.service_name).operation_model(operation.name)  # noqa: SLF001


def _fingerprint(params: Mapping[str, Any]) -> str:
    """What tells these parameters from others; empty when they are not worth to be kept."""
    if not params:
        return "{}"
    try:
        text = orjson.dumps(params, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # bytes
        return ""
    # As text, for orjson's own bytes keep the kilobytes that they were written into.
    return text.decode() if len(text) <= TEMPLATE_PARAMETERS else ""
