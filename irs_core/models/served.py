"""Classifiers behind a server that speaks the Open Inference Protocol, version 2, over HTTP.

Triton, KServe and OpenVINO Model Server do. Only addresses are taken that a person names on the
command line or in a notebook, or whose server the variable IRS_MODEL_SERVERS lists.
"""

import hashlib
import http.client
import json
import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from irs_core.errors import ServerError
from irs_core.models.normalize import Numbers
from irs_core.spec.outside import check_url

SERVERS = "IRS_MODEL_SERVERS"
TIMEOUT_SECONDS = 30.0
ATTEMPTS, PAUSE_SECONDS = 4, 0.5
_DTYPES = ("FP32", "FP64", "FP16")
# Bytes of an answer beyond the scores, and of one score as a decimal number.
_HEAD_BYTES, _SCORE_BYTES = 1 << 20, 40
_DESCRIBED = ("name", "versions", "platform", "inputs", "outputs")
_KEPT = "what was computed is kept"


@dataclass(frozen=True)
class ServedFacts:
    """What a server says about a model.

    Args:
        input_name, datatype: Of its one input.
        batch: Images per request where that is fixed; None where any number will do.
        input_shape: (channels, height, width), None where one is left open.
        output_name: Of its one output.
        num_classes: Scores per image; None where it is left open.
        digest: SHA-256 (hexadecimal) of the description, and of the address.
    """

    input_name: str
    datatype: str
    batch: int | None
    input_shape: tuple[int | None, int | None, int | None]
    output_name: str
    num_classes: int | None
    digest: str


@dataclass(frozen=True)
class Connection:
    """How a model is asked, one request after the other.

    Args:
        url: `http://HOST:PORT/v2/models/NAME`.
        timeout: Seconds that one request may take.
        attempts: How often a request is tried while the server cannot be reached or is busy.
        pause: Seconds before the second attempt; twice as long before each further one.
    """

    url: str
    timeout: float = TIMEOUT_SECONDS
    attempts: int = ATTEMPTS
    pause: float = PAUSE_SECONDS

    def facts(self) -> ServedFacts:
        """The server's description of the model.

        Raises:
            ServerError: It cannot be reached, or the model is no image classifier.
        """
        found = self._ask("GET", "", None, _HEAD_BYTES)
        try:
            return _facts(self.url, found)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError):
            raise ServerError(
                f"{self.url} does not describe a model as the Open Inference Protocol v2 does: one "
                "input (N, channels, height, width) of floats, one output (N, classes)"
            ) from None

    def infer(self, facts: ServedFacts, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores of images (B, C, H, W), in the shape in which the server gives them.

        Raises:
            ServerError: It cannot be reached, refuses, or answers in another form.
        """
        request = {
            "inputs": [
                {
                    "name": facts.input_name,
                    "shape": list(images.shape),
                    "datatype": facts.datatype,
                    "data": images.ravel().tolist(),
                }
            ],
            "outputs": [{"name": facts.output_name}],
        }
        limit = _HEAD_BYTES + _SCORE_BYTES * len(images) * (facts.num_classes or 1 << 16)
        answer = self._ask("POST", "/infer", request, limit)
        try:
            (output,) = (one for one in answer["outputs"] if one["name"] == facts.output_name)
            shape = tuple(int(one) for one in output["shape"])
            # A score that is no number arrives as null, or as a word that Python reads as NaN.
            values = [math.nan if one is None else one for one in _flat(output["data"])]
            return np.asarray(values, np.float32).reshape(shape)
        except (KeyError, TypeError, ValueError, OverflowError, RecursionError):
            raise ServerError(
                f"{self.url} answers without an output {facts.output_name!r} of as many numbers as "
                f"its shape says; {_KEPT}"
            ) from None

    def _ask(self, method: str, tail: str, content: object, limit: int) -> dict[str, Any]:
        body = None if content is None else json.dumps(content, allow_nan=False).encode()
        reason = ""
        for attempt in range(self.attempts):
            if attempt:
                time.sleep(self.pause * 2 ** (attempt - 1))
            try:
                status, text = self._request(method, tail, body, limit)
            except (OSError, http.client.HTTPException) as error:
                reason = str(error) or type(error).__name__
                continue
            if status == 200:
                return self._parsed(text)
            reason = f"status {status}: {_said(text)}"
            if status < 500 and status != 429:
                raise ServerError(f"{self.url} refuses ({reason}); {_KEPT}")
        raise ServerError(
            f"{self.url} gave no answer in {self.attempts} attempts ({reason}); {_KEPT}, so that "
            "the same command goes on from there"
        )

    def _request(self, method: str, tail: str, body: bytes | None, limit: int) -> tuple[int, bytes]:
        # No redirects: they could lead to servers that nobody named.
        parts = urlsplit(self.url)
        kind = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )
        connection = kind(parts.netloc, timeout=self.timeout)
        try:
            headers = {"Content-Type": "application/json"} if body is not None else {}
            connection.request(method, parts.path + tail, body, headers)
            answer = connection.getresponse()
            text = answer.read(limit + 1)
            return answer.status, text
        finally:
            connection.close()

    def _parsed(self, text: bytes) -> dict[str, Any]:
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise ServerError(f"{self.url} answers with something else than JSON; {_KEPT}")
        return found


class ServedModule(nn.Module):
    """A model behind a server in the place of a PyTorch network; only its predictor asks it.

    Args:
        mean, std: Normalisation before it, after the noise; None for none.
    """

    def __init__(
        self, connection: Connection, facts: ServedFacts, mean: Numbers = None, std: Numbers = None
    ) -> None:
        super().__init__()
        self.connection, self.facts, self.mean, self.std = connection, facts, mean, std

    def forward(self, images: Tensor) -> NoReturn:
        """Refuse: there are no PyTorch layers.

        Raises:
            ServerError: Always.
        """
        raise ServerError(f"{self.connection.url} is asked by its predictor, not run as a module")


def connect(url: str) -> ServedModule:
    """A model behind a server, as it describes itself.

    Raises:
        SpecError: The address is none of a model.
        ServerError: The server cannot be reached, or the model is no image classifier.
    """
    connection = Connection(check_url(url))
    return ServedModule(connection, connection.facts())


def check_listed(url: str) -> str:
    """The address, if IRS_MODEL_SERVERS lists its server.

    Raises:
        ServerError: It does not.
    """
    listed = [one.rstrip("/") for one in os.environ.get(SERVERS, "").split() if one]
    server = "{0.scheme}://{0.netloc}".format(urlsplit(check_url(url)))
    if server not in listed:
        raise ServerError(
            f"{server} is asked only by a command or notebook that names it, or where {SERVERS} "
            f"lists it, as in {SERVERS}={server}"
        )
    return url


def _facts(url: str, found: Mapping[str, Any]) -> ServedFacts:
    (given,), outputs = found["inputs"], found["outputs"]
    (output,) = outputs
    if given["datatype"] not in _DTYPES:
        raise ServerError(
            f"{url} takes {str(given['datatype'])[:20]}, and noisy images are floating-point "
            f"numbers: serve a model that takes one of {', '.join(_DTYPES)}"
        )
    batch, channels, height, width = map(_dim, given["shape"])
    _, classes = map(_dim, output["shape"])
    described = {key: found.get(key) for key in _DESCRIBED}
    text = json.dumps([url, described], sort_keys=True)
    return ServedFacts(
        str(given["name"]),
        str(given["datatype"]),
        batch,
        (channels, height, width),
        str(output["name"]),
        classes,
        hashlib.sha256(text.encode()).hexdigest(),
    )


def _dim(value: Any) -> int | None:
    number = int(value)
    return None if number < 1 else number


def _flat(values: Any) -> list[Any]:
    while values and isinstance(values[0], list):
        values = [one for row in values for one in row]
    return list(values)


def _said(text: bytes) -> str:
    """The server's sentence, if it gives one; foreign text, so shortened and without controls."""
    try:
        said = str(json.loads(text)["error"])
    except (ValueError, KeyError, TypeError, RecursionError):
        said = text.decode(errors="replace")
    return "".join(one if one.isprintable() else " " for one in said)[:160].strip() or "no reason"
