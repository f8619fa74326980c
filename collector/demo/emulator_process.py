"""The child process: moto's server on a free loopback port, until its standard input closes.

The first line on standard output is the port. Whatever moto prints after that goes to standard error.
"""

import os
import signal
import sys
import threading
import traceback
from typing import Any

from moto.core.common_types import TYPE_RESPONSE
from moto.core.responses import ActionResult, BaseResponse
from moto.moto_api import state_manager
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.s3.responses import S3Response
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from collector.demo.unknown_operation import unknown_operation


class _QuietRequestHandler(MotoRequestHandler):
    def send_response(self, code: int, message: str | None = None) -> None:
        """Start an answer, without werkzeug's log line and Server header.

        The lines would drown the demo's own output. moto's answers have a Server header themselves, and aiohttp refuses
        two when Python runs in development mode.
        """
        self.send_response_only(code, message)
        self.send_header("Date", self.date_time_string())


class _Application(DomainDispatcherApplication):
    """moto's application, made quicker and clearer.

    It finds a host's backend once; moto itself lists its own folder for every request, for most of its 3 ms.
    """

    def __init__(self) -> None:
        super().__init__(create_backend_app)
        self._backend_of_host: dict[str | None, Any] = {}
        self._turn = threading.Lock()

    def get_backend_for_host(self, host: str | None) -> Any:
        if host not in self._backend_of_host:
            self._backend_of_host[host] = super().get_backend_for_host(host)
        return self._backend_of_host[host]

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answer one request at a time: moto changes its dictionaries while other threads walk them."""
        with self._turn:
            answer = self._answer(environ)
        return answer(environ, start_response)

    def _answer(self, environ: dict[str, Any]) -> Response:
        """moto's answer; a refusal where it has none, for its own 500 would be tried again and again."""
        try:
            answer = Response.from_app(super().__call__, environ, buffered=True)
        except Exception:
            traceback.print_exc()
            return unknown_operation(environ)
        no_such_path = answer.status_code == 404 and answer.mimetype == "text/html"
        return unknown_operation(environ) if no_such_path else answer


def answer_bucket_regions() -> None:
    """Let ListBuckets say where each bucket lives, which moto leaves out.

    As AWS does, only when a parameter is sent: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html
    """
    serialized = S3Response.serialized

    def with_regions(response: BaseResponse, answer: ActionResult) -> TYPE_RESPONSE:
        asked = any(response._get_param(name) for name in ("max-buckets", "prefix", "bucket-region"))
        if isinstance(response, S3Response) and response.data.get("Action") == "ListBuckets" and asked:
            assert isinstance(answer.result, dict)
            for bucket in answer.result["Buckets"]:
                bucket["BucketRegion"] = response.backend.buckets[bucket["Name"]].region_name
        return serialized(response, answer)

    S3Response.serialized = with_regions  # type: ignore[assignment,method-assign]


def _exit_with_parent() -> None:
    """Leave when standard input closes, which also happens when the parent is killed and can stop nothing any more."""
    sys.stdin.buffer.read()
    os._exit(0)


def main() -> None:
    # Ctrl-C on a terminal reaches the whole process group; the parent decides when the emulator goes.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answer_bucket_regions()
    # moto shows a distribution as deployed when it is looked at a second time; two runs are to see the same.
    state_manager.set_transition("cloudfront::distribution", {"progression": "immediate"})
    server = make_server("127.0.0.1", 0, _Application(), threaded=True, request_handler=_QuietRequestHandler)
    os.write(1, f"{server.port}\n".encode())
    os.dup2(2, 1)
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    server.serve_forever()


if __name__ == "__main__":
    main()
