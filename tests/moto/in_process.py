"""moto without sockets: the collector's own gateway, and moto's answers where a request would go out."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

from botocore import handlers
from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders
from moto import mock_aws as emulated_aws
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.models import botocore_stubber
from moto.core.responses import BaseResponse
from moto.s3.responses import S3Response
from werkzeug.test import EnvironBuilder

from collector.aws.session import CALLER
from collector.demo.emulator_process import answer_bucket_regions
from collector.demo.unknown_operation import unknown_operation
from collector.plan import Target
from tests.synthetic import wire

HERE = Target("aws", DEFAULT_ACCOUNT_ID, "us-east-1")
"""Whom moto takes unknown credentials for."""
NO_PATH = (404, "Not yet implemented")
SETTINGS = {"MOTO_EC2_LOAD_DEFAULT_AMIS": "false", "MOTO_IAM_LOAD_MANAGED_POLICIES": "true"}
"""Without 1,300 public images and the snapshots of them that the account seems to own; with AWS's policies, to attach one."""


class Moto:
    """What moto answers to the collector. *unknown* are the operations, by service and name, that it was asked for and does not have."""

    def __init__(self) -> None:
        self.unknown: set[tuple[str, str]] = set()

    def answers(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
        """The response to one request: moto's own; a refusal where it does not have the operation; an error where it breaks."""
        asked = CALLER.get().call
        sent = HTTPHeaders()
        for name, value in headers.items():
            sent[name] = value
        try:
            reply = botocore_stubber.process_request(AWSPreparedRequest(method, url, sent, body, stream_output=False))
        except NotImplementedError:
            reply = None
        except Exception as error:  # noqa: BLE001 (moto breaks in every way)
            broken = wire.error_reply(asked.service, type(error).__name__, 400, "moto cannot answer this")
            return _response(broken.status, dict(broken.headers), broken.body)
        if reply is None or (reply[0], reply[2]) == NO_PATH:
            self.unknown.add((asked.service, asked.operation))
            refusal = unknown_operation(EnvironBuilder(method=method, headers=dict(headers)).get_environ())
            return _response(refusal.status_code, dict(refusal.headers), refusal.get_data())
        status, given, content = reply
        return _response(status, given, content.encode() if isinstance(content, str) else content)


def _response(status: int, headers: Mapping[str, object], body: bytes) -> bytes:
    lines = [f"HTTP/1.1 {status} -", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@contextmanager
def emulated() -> Iterator[Moto]:
    """An empty moto for as long as the block lasts."""
    # The collector's clients send where the gateway says; moto's own handler, which would catch their calls, is for nobody else either.
    without_motos = [each for each in handlers.BUILTIN_HANDLERS if each[1] is not botocore_stubber]
    with ExitStack() as stack:
        stack.enter_context(patch.dict(os.environ, SETTINGS))
        stack.enter_context(patch.object(handlers, "BUILTIN_HANDLERS", without_motos))
        stack.enter_context(patch.object(BaseResponse, "call_action", _call_what_was_asked))
        stack.enter_context(patch.object(S3Response, "list_objects", _list_no_objects))
        stack.enter_context(patch.object(S3Response, "serialized", S3Response.serialized))  # answer_bucket_regions replaces it for good
        answer_bucket_regions()
        stack.enter_context(emulated_aws())
        yield Moto()


_call_action = BaseResponse.call_action


def _call_what_was_asked(response: BaseResponse) -> object:
    """An operation that moto does not have is not to be taken for another on the same path."""
    caller = CALLER.get(None)
    # moto's own routes for Batch and Polly know operations by the end of their path: "lexicons".
    if caller is not None and (response._get_action() or "").lower() not in caller.call.operation.lower():
        raise NotImplementedError(caller.call.operation)
    return _call_action(response)


def _list_no_objects(_: S3Response) -> object:
    """Whatever moto does not know about a bucket, it answers with the bucket's objects."""
    raise NotImplementedError
