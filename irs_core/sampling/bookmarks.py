"""Places in noise streams from which generation goes on, so that what precedes is not made again.

A chunk's noise is one sequential stream. Methods that come back to a chunk for a few more draws of
it would make all draws before those again, each time.
"""

from collections import OrderedDict
from collections.abc import Hashable

import numpy as np

# A place every so many draws: between two of them draws are made again.
MARK_DRAWS = 50
# About 300 bytes each.
_MOST = 200_000


class Bookmarks:
    """States of generators at some draws of some chunks; those kept longest ago are forgotten.

    They decide how much is made again and nothing else: a generator that goes on from a state
    makes the values that it would have made without a stop.
    """

    def __init__(self, most: int = _MOST) -> None:
        """Nothing is kept yet.

        Args:
            most: States kept at once.
        """
        self._most = most
        self._states: OrderedDict[tuple[Hashable, int], tuple[bytes, int, int]] = OrderedDict()

    def keep(self, chunk: Hashable, draw: int, generator: np.random.Generator) -> None:
        """Keep where a generator is.

        Args:
            chunk: What determines the states of its generator.
            draw: The draw that it makes next, a multiple of `MARK_DRAWS`.
        """
        state = generator.bit_generator.state
        words = np.asarray(state["state"]["state"], np.uint64).tobytes()
        self._states[chunk, draw] = (words, state["has_uint32"], state["uinteger"])
        while len(self._states) > self._most:
            self._states.popitem(last=False)

    def resume(self, chunk: Hashable, draw: int, generator: np.random.Generator) -> int:
        """Set a generator to the last kept place at or before a draw.

        Args:
            generator: At the chunk's beginning, where it stays if nothing is kept.

        Returns:
            The draw that it makes next.
        """
        for place in range(draw - draw % MARK_DRAWS, 0, -MARK_DRAWS):
            found = self._states.get((chunk, place))
            if found is not None:
                words, has_uint32, uinteger = found
                generator.bit_generator.state = {
                    "bit_generator": "SFC64",
                    "state": {"state": np.frombuffer(words, np.uint64)},
                    "has_uint32": has_uint32,
                    "uinteger": uinteger,
                }
                return place
        return 0
