"""A small server of the Open Inference Protocol v2, with faults on request."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np


@dataclass
class Served:
    """A model and how its server behaves; may be changed while it serves.

    Args:
        answer: Images (B, C, H, W) to scores (B, K).
        faults: What happens to the next requests for answers, first to last: a status, or a
            function that replaces the answer's content.
        asked: Sizes of the batches that were asked for.
    """

    answer: Callable[[np.ndarray], np.ndarray]
    shape: tuple[int, ...] = (-1, 1, 8, 8)
    classes: int = 10
    version: str = "1"
    datatype: str = "FP32"
    faults: list[Any] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    described: dict[str, Any] | None = None
    url: str = ""

    def metadata(self) -> dict[str, Any]:
        if self.described is not None:
            return self.described
        return {
            "name": "digits",
            "versions": [self.version],
            "platform": "test",
            "inputs": [{"name": "images", "datatype": self.datatype, "shape": list(self.shape)}],
            "outputs": [{"name": "scores", "datatype": "FP32", "shape": [-1, self.classes]}],
        }

    def infer(self, request: dict[str, Any]) -> tuple[int, Any]:
        (given,) = request["inputs"]
        images = np.asarray(given["data"], np.float32).reshape(given["shape"])
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, int):
            return fault, {"error": f"fault {fault}"}
        self.asked.append(len(images))
        scores = self.answer(images)
        output = {"name": "scores", "datatype": "FP32", "shape": list(scores.shape)}
        content = {"model_name": "digits", "outputs": [{**output, "data": scores.ravel().tolist()}]}
        return 200, content if fault is None else fault(content)


@contextmanager
def serving(served: Served) -> Iterator[Served]:
    """Serve on a free port of this machine; the address is that of the model."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path == "/v2/models/digits"
            self.reply(200 if known else 404, served.metadata() if known else {"error": "unknown"})

        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"]))
            self.reply(*served.infer(json.loads(text)))

        def reply(self, status: int, content: Any) -> None:
            text = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            if status == 302:
                self.send_header("Location", "http://127.0.0.1:9/v2/models/digits")
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            # A client that waited too long is gone.
            pass

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_port}/v2/models/digits"
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
