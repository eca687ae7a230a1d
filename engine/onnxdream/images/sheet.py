"""Contact sheets: pictures side by side, each with a label."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from .picture import Picture

__all__ = ["contact_sheet", "thumbnail"]

_GAP = 12
_TEXT = 15
_BACKGROUND, _INK = (24, 24, 24), (225, 225, 225)


def thumbnail(image: Image.Image, side: int) -> Image.Image:
    """A copy whose longer side is at most so many pixels, in RGB."""
    small = image.convert("RGB")
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    return small


def contact_sheet(
    pictures: Sequence[Image.Image | Picture],
    labels: Sequence[str],
    columns: int | None = None,
    side: int = 320,
) -> Image.Image:
    """Put pictures on one sheet, row by row.

    Parameters
    ----------
    pictures : sequence of PIL.Image.Image or Picture
        At least one.
    labels : sequence of str
        What is written below each.
    columns : int, optional
        How many stand in a row; as many as make the sheet about square if not given.
    side : int
        The longer side of each, in pixels.

    Returns
    -------
    PIL.Image.Image
        Mode RGB.
    """
    cells = [thumbnail(p.to_image() if isinstance(p, Picture) else p, side) for p in pictures]
    width, height = (max(cell.size[axis] for cell in cells) for axis in (0, 1))
    across = columns or max(1, round((len(cells) * height / width) ** 0.5))
    down = -(-len(cells) // across)
    line = _TEXT + _GAP
    font = ImageFont.load_default(_TEXT)
    sheet = Image.new(
        "RGB",
        (across * (width + _GAP) + _GAP, down * (height + line + _GAP) + _GAP),
        _BACKGROUND,
    )
    draw = ImageDraw.Draw(sheet)
    for place, (cell, label) in enumerate(zip(cells, labels, strict=True)):
        row, column = divmod(place, across)
        left, top = _GAP + column * (width + _GAP), _GAP + row * (height + line + _GAP)
        sheet.paste(cell, (left + (width - cell.width) // 2, top + (height - cell.height) // 2))
        draw.text((left, top + height + 5), _fitted(label, font, width), _INK, font)
    return sheet


def _fitted(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    """As much of a text as is no wider than so many pixels."""
    # The built-in font has few letters beyond ASCII.
    text = text.replace("×", "x").encode("ascii", "replace").decode()
    while text and font.getlength(text) > width:
        text = text[:-1]
    return text
