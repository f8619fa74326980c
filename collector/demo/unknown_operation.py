"""How AWS answers an operation that it does not know, for those that moto does not have."""

import json
import re
from typing import Any

from werkzeug.wrappers import Response

_MESSAGE = "The emulator does not have this operation."
_SCOPE = re.compile(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/aws4_request")
_REST_XML = frozenset({"s3", "s3express", "route53", "cloudfront"})


def unknown_operation(environ: dict[str, Any]) -> Response:
    """A 400 in the protocol of the request: `InvalidAction` in XML, `UnknownOperationException` in JSON.

    Codes from https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html and
    https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html.
    """
    scope = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    service = scope[1] if scope else ""
    if service == "ec2":
        error = f"<Errors><Error><Code>InvalidAction</Code><Message>{_MESSAGE}</Message></Error></Errors>"
        return Response(f"<Response>{error}<RequestID>-</RequestID></Response>", 400, mimetype="text/xml")
    if service in _REST_XML or environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        error = f"<Error><Type>Sender</Type><Code>InvalidAction</Code><Message>{_MESSAGE}</Message></Error>"
        return Response(f"<ErrorResponse>{error}<RequestId>-</RequestId></ErrorResponse>", 400, mimetype="text/xml")
    return Response(
        json.dumps({"__type": "UnknownOperationException", "message": _MESSAGE}),
        400,
        headers={"x-amzn-ErrorType": "UnknownOperationException"},
        mimetype="application/json",
    )
