"""The guard on botocore's way: nothing leaves a client but the call that was asked, and only as a spec allows it.

A client can do more than call: it pages, waits, presigns, uploads, and asks AWS things by itself (HeadBucket to follow a bucket's redirect,
CreateSession for S3 Express, DescribeEndpoints). All of it passes one of botocore's events before anything is sent:

- ``provide-client-params``, with the parameters as they were given: calls, and presigned URLs. The direct way passes it too.
- ``before-call``: calls.
- ``before-sign``: whatever is signed. What asks for keys without it (a presigned POST) gets none.

`sign.signed` asks the same of what goes the direct way.
"""

from contextvars import ContextVar
from typing import Any

from aiobotocore.session import AioSession
from botocore import handlers

from collector.aws.caller import Credentials, allowed_caller, the_caller
from collector.errors import CallNotAllowedError
from collector.spec.permitted import Permitted

_LET_SIGN: ContextVar[bool] = ContextVar("let_sign", default=False)
"""A signature was let through, and nobody has asked for its keys yet."""


class Guard:
    """What may leave the clients of one session: what *permitted* names, while it is asked. The rest raises CallNotAllowedError."""

    def __init__(self, permitted: Permitted) -> None:
        self._permitted = permitted

    def watch(self, session: AioSession) -> None:
        """From now on, *session*'s clients are watched, and all sign as the caller."""
        session.register("provide-client-params", self.require)
        session.register("before-call", before_call)
        session.register("before-sign", before_sign)
        # AWS_BEARER_TOKEN_BEDROCK would ask every account's Bedrock in the name of whoever holds the token.
        session.unregister("choose-signer", handlers._set_auth_scheme_preference_signer)  # noqa: SLF001
        session.register_component("credential_provider", _CallersCredentialsProvider())

    def require(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        """For ``provide-client-params``."""
        service: str = model.service_model.service_name
        allowed_caller(service, model.name)
        self._permitted.require(service, model.name, params)


def before_call(model: Any, context: dict[str, Any], **_: Any) -> None:
    """For ``before-call``."""
    allowed_caller(model.service_model.service_name, model.name)
    # botocore follows a bucket's redirect by itself, with HeadBucket; a bucket in another region is the spec's business.
    context["s3_redirect"] = {**context.get("s3_redirect", {}), "redirected": True}


def before_sign(operation_name: str, signature_version: Any, **_: Any) -> None:
    """For ``before-sign``."""
    asked = the_caller().call
    allowed_caller(asked.service, operation_name)
    if signature_version == "bearer":
        raise CallNotAllowedError(f"{asked.service}.{operation_name} is authorised by a token, which is no account's")
    _LET_SIGN.set(True)


class _CallersCredentials:
    """The credentials that every client is made with: they are the caller's, whoever that is at the moment of signing."""

    method = "collector"

    async def get_frozen_credentials(self) -> Any:
        credentials: Credentials = the_caller().credentials
        if not _LET_SIGN.get():
            raise CallNotAllowedError("keys were asked for without a signature that was let through")
        _LET_SIGN.set(False)
        return await credentials.get_frozen_credentials()

    async def get_account_id(self) -> None:
        return None

    def get_deferred_property(self, name: str) -> Any:
        return self.get_account_id if name == "account_id" else None


class _CallersCredentialsProvider:
    async def load_credentials(self) -> _CallersCredentials:
        return _CallersCredentials()
