"""Browser sessions without a browser: what a page costs the server, for one and for several."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect

_WAIT_SECONDS = 300.0


@dataclass
class Session:
    """One connection to a running app, as one tab of a browser has it.

    Args:
        socket: The open connection.
        page: The page that it shows, as in its address.
        query: What stands after ? in the address.
    """

    socket: ClientConnection
    page: str
    query: str
    widgets: dict[str, str] = field(default_factory=dict)

    def run(self, key: str = "", value: str = "") -> float:
        """Show the page, or turn a slider of it; milliseconds until all of it has arrived.

        Args:
            key: The slider's key; nothing is turned without it.
            value: The option to choose, as it is shown.
        """
        order = BackMsg()
        order.rerun_script.query_string = self.query
        order.rerun_script.page_name = self.page
        if key:
            state = order.rerun_script.widget_states.widgets.add(id=self.widgets[key])
            state.string_array_value.data.append(value)
        clock = time.perf_counter()
        self.socket.send(order.SerializeToString())
        received = []
        while True:
            received.append(self.socket.recv(_WAIT_SECONDS))
            # The last message is short: others need not be read to know that they are not it.
            if len(received[-1]) < 200 and _ends(received[-1]):
                break
        spent = 1000 * (time.perf_counter() - clock)
        # Where several wait, reading everything would take the time that is measured.
        if not self.widgets:
            self._read(received)
        return spent

    def _read(self, received: Sequence[bytes | str]) -> None:
        for content in received:
            message = ForwardMsg.FromString(bytes(content))
            element = message.delta.new_element
            kind = element.WhichOneof("type") or ""
            if kind == "exception":
                raise RuntimeError(element.exception.message)
            found = getattr(element, kind, None)
            identifier = getattr(found, "id", "")
            if identifier:
                self.widgets[identifier.rpartition("-")[2]] = identifier


def _ends(content: bytes | str) -> bool:
    message = ForwardMsg.FromString(bytes(content))
    return message.WhichOneof("type") == "script_finished"


@contextmanager
def sessions(address: str, page: str, query: str, count: int) -> Iterator[list[Session]]:
    """Some sessions that have shown the page once."""
    url = address.replace("http", "ws", 1) + "/_stcore/stream"
    opened = [
        connect(url, subprotocols=["streamlit"], max_size=None, compression=None)
        for _ in range(count)
    ]
    try:
        found = [Session(one, page, query) for one in opened]
        for one in found:
            one.run()
        yield found
    finally:
        for one in opened:
            one.close()


def at_once(acts: Sequence[Callable[[], float]]) -> list[float]:
    """What several calls measure that begin at the same moment."""
    start, found = threading.Barrier(len(acts)), [0.0] * len(acts)

    def run(at: int) -> None:
        start.wait()
        found[at] = acts[at]()

    threads = [threading.Thread(target=run, args=(at,)) for at in range(len(acts))]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return found
