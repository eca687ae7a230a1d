"""Files <-> pictures.

A picture is made uniform once, at the door: upright and RGB, in the depth that it
came in, with its transparency and its colour profile kept beside it. What lies
behind the door knows one kind of picture only.
"""

from .limits import MAX_PIXELS, MAX_SIDE
from .picture import Picture, a_picture, checked
from .reading import Source, read
from .sheet import contact_sheet, thumbnail
from .texts import read_texts
from .writing import Target, check_target, make_folder, write

__all__ = [
    "MAX_PIXELS",
    "MAX_SIDE",
    "Picture",
    "Source",
    "Target",
    "a_picture",
    "check_target",
    "checked",
    "contact_sheet",
    "make_folder",
    "read",
    "read_texts",
    "thumbnail",
    "write",
]
