"""What botocore's event handlers do in a call, and which of it a reader can do without.

Handlers that make a request are run as botocore runs them (`direct.py`); these are the others.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, TypeAlias

from botocore.handlers import decode_quoted_jsondoc
from botocore.model import OperationModel, Shape

Handler: TypeAlias = Callable[..., Any]

# What botocore may do at these moments of a call without our doing it too, and why. If there is anything else, the call is botocore's.
_DISPENSABLE: Mapping[str, frozenset[str]] = {
    "request-created": frozenset({
        "AioRequestSigner.handler",  # we sign
        "UserAgentString.rebuild_and_replace_user_agent_handler",  # ours is constant
        "add_retry_headers",  # each of our attempts is a request of its own
    }),
    "before-sign": frozenset({
        "before_sign",  # the guard; sign.signed asks the same
        "remove_arn_from_signing_path",  # of Signature Version 2
        "_set_extra_headers_for_unsigned_request",  # everything is signed
        "S3ExpressIdentityResolver.resolve_s3express_identity",  # acts on requests that are signed otherwise
    }),
    "before-send": frozenset(),
    "response-received": frozenset(),
    "before-parse": frozenset({
        "refuse_what_is_no_answer",  # _by_botocore calls it, and reads what comes out empty
        "_handle_200_error",  # parse_xml.root refuses <Error>, and _by_botocore calls it
        "handle_expires_header",  # parse.compiled leaves operations with such a header to botocore
    }),
    "needs-retry": frozenset({
        "AioRetryHandler",  # repeating is the gateway's
        "_update_status_code",  # the same as _handle_200_error, for the retry
        "AioS3RegionRedirectorv2.redirect_from_error",  # redirects are not followed
    }),
    "after-call-error": frozenset(),
}  # fmt: skip
_AFTER_CALL = frozenset({"json_decode_policies", "json_decode_template_body", "_handle_sqs_compatible_error"})
"""Handlers that look at nothing but the values that were read."""


def dispensable(client: Any, operation: OperationModel) -> bool:
    """May *operation* go without what botocore's handlers would do in it?"""
    for moment, known in {**_DISPENSABLE, "after-call": _AFTER_CALL}.items():
        if {_name(handler) for handler in at(client, moment, operation)} - known:
            return False
    return True


def _name(handler: Handler) -> str:
    return getattr(handler, "__qualname__", type(handler).__name__)


def at(client: Any, moment: str, operation: OperationModel) -> tuple[Handler, ...]:
    """What botocore would call at *moment*, in its order. Its emitter tells nobody, so it is asked in private, and without looking for
    aliases: that takes longer than all the rest, and each name would be remembered.
    """
    service = client.meta.service_model.service_id.hyphenize()
    return tuple(client.meta.events._emitter._handlers.prefix_search(f"{moment}.{service}.{operation.name}"))  # noqa: SLF001


def of_answers(handlers: Iterable[Handler], operation: OperationModel) -> Iterator[Handler]:
    """Those of *handlers*, called after a call, for which successful answers of *operation* have anything."""
    for handler in handlers:
        match _name(handler):
            case "json_decode_policies":
                decode = _policies(operation.output_shape, frozenset())
                if decode is not None:
                    yield partial(_decoded, decode)
            case "_handle_sqs_compatible_error":
                pass
            case _:
                yield handler


def _decoded(decode: Callable[[Any], None], parsed: Mapping[str, Any], **_: Any) -> None:
    decode(parsed)


def _policies(shape: Shape | None, above: frozenset[str]) -> Callable[[Any], None] | None:
    """What decodes IAM's policies in values of *shape*, in place, as json_decode_policies does; None where there are none. botocore's goes
    through all members of all items, which takes as long as to read them. No shape of IAM's leads to itself (tests/model/test_handlers.py).
    """
    if shape is None or shape.name in above:
        return None
    above |= {shape.name}
    if shape.type_name == "list":
        decode = _policies(shape.member, above)
        return None if decode is None else partial(_each, decode)
    if shape.type_name != "structure":
        return None
    here = [name for name, member in shape.members.items() if member.type_name == "string" and member.name == "policyDocumentType"]
    below = [(name, decode) for name, member in shape.members.items() if (decode := _policies(member, above)) is not None]
    return partial(_in_structure, here, below) if here or below else None


def _each(decode: Callable[[Any], None], values: Iterable[Any]) -> None:
    for value in values:
        decode(value)


def _in_structure(here: list[str], below: list[tuple[str, Callable[[Any], None]]], value: dict[str, Any]) -> None:
    for name in here:
        if name in value:
            value[name] = decode_quoted_jsondoc(value[name])
    for name, decode in below:
        if name in value:
            decode(value[name])
