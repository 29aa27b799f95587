"""What the runtimes say is wrong, without where in their sources they say it."""

import re

from irs_core.errors import first_line

# Lines that name a place in a source, a check or a heading, and nothing about the model.
_EMPTY = re.compile(
    r"Exception from |Check '.*' failed at |FrontEnd API failed|While validating node|"
    r"Model wasn't fully converted|Summary:|To facilitate the conversion|Errors during ONNX|"
    r"Error in external component|Please fix either"
)
_PLACE = re.compile(
    r"^(?:\[ONNXRuntimeError\] : \d+ : \w+ : )?(?:Load model from .*? failed:)?"
    r"(?:/onnxruntime_src/\S+ .*?\) )?(?:-- )?"
)
_LONGEST = 300
_DIMENSION = re.compile(r"^index: ")


def reason(error: Exception) -> str:
    """The first line of a runtime's error that says what is wrong, or the error's type."""
    lines = [line.strip() for line in str(error).splitlines()]
    said = [line for line in lines if line and not _EMPTY.match(line)]
    if not said:
        return first_line(error, _LONGEST)
    # The dimensions that do not fit stand on lines of their own.
    sizes = [line for line in said[1:] if _DIMENSION.match(line)]
    return " ".join([_PLACE.sub("", said[0]), *sizes]).rstrip(". ")[:_LONGEST]
