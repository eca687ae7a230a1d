"""Files <-> pictures.

A picture is made uniform once, at the door: upright and RGB, in the depth that it
came in, with its transparency and its colour profile kept beside it. What lies
behind the door knows one kind of picture only.
"""

from .limits import MAX_PIXELS, MAX_SIDE
from .picture import Picture, checked
from .reading import Source, read
from .texts import read_texts
from .writing import Target, check_target, write

__all__ = [
    "MAX_PIXELS",
    "MAX_SIDE",
    "Picture",
    "Source",
    "Target",
    "check_target",
    "checked",
    "read",
    "read_texts",
    "write",
]
