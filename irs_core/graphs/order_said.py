"""What an OpenVINO IR says about the order of its channels, and what that leaves open."""

from collections.abc import Mapping
from dataclasses import dataclass

_KEY = "reverse_input_channels"
_READER = f"model_info/{_KEY}"
_CONVERTERS = (f"conversion_parameters/{_KEY}", f"cli_parameters/{_KEY}")
_YES, _NO = ("true", "yes", "1"), ("false", "no", "0")


@dataclass(frozen=True)
class OrderSaid:
    """What a file says.

    Args:
        note: In a sentence; empty where it says nothing.
        open: Whether it may take blue, green, red as well as red, green, blue.
    """

    note: str = ""
    open: bool = False


NOTHING_SAID = OrderSaid()


def order_said(texts: Mapping[str, str]) -> OrderSaid:
    """What `reverse_input_channels` means, which two tools write for two things.

    For readers of images (`model_info`) it says that they reverse what OpenCV reads, blue, green,
    red, before the network gets it. A converter did the same inside the network, whose own order
    before that is not written down.

    Args:
        texts: By their path in `rt_info`.
    """
    reader = texts.get(_READER, "").strip().lower()
    converted = any(texts.get(one, "").strip().lower() in _YES for one in _CONVERTERS)
    if reader in _YES:
        return OrderSaid(
            "the file says that readers reverse blue, green, red before it "
            f"({_READER}): it takes red, green, blue"
        )
    if reader in _NO:
        return OrderSaid(
            f"the file says that readers do not reverse channels ({_READER}): whether they give it "
            "red, green, blue or blue, green, red is left open",
            open=True,
        )
    if converted:
        return OrderSaid(
            f"the file was converted with {_KEY}: channels were reversed inside it, and which "
            "order it takes is left open",
            open=True,
        )
    return NOTHING_SAID
