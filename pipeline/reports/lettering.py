"""Text on pictures: Pillow's own font, and lines that fit."""

from PIL import ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def font(size_px: int) -> Font:
    """Return the font that comes inside Pillow."""
    return ImageFont.load_default(size_px)


def fitting(words: str, using: Font, width_px: int) -> str:
    """Return the text, its middle left out where it is too long: names differ at ends.

    What the font cannot show is shown as "?".
    """
    words = words.encode("latin-1", "replace").decode("latin-1")
    if using.getlength(words) <= width_px:
        return words
    low, high = 0, len(words)
    while low < high:
        middle = (low + high + 1) // 2
        if using.getlength(_shortened(words, middle)) <= width_px:
            low = middle
        else:
            high = middle - 1
    return _shortened(words, low)


def _shortened(words: str, keep: int) -> str:
    head = keep // 2
    return f"{words[:head]}..{words[len(words) - (keep - head) :]}"
