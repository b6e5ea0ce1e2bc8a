"""Show file names, which are hostile text, on one harmless line."""

import unicodedata

_HIDDEN = frozenset({"Cc", "Cf", "Zl", "Zp", "Cn", "Co"})
"""Unicode categories that steer a terminal, or that nobody can see: controls, format
signs such as the bidirectional overrides, line and paragraph separators, unassigned."""


def shown(name: object) -> str:
    r"""Return the text with everything that does not print as itself escaped.

    Bytes that are not UTF-8 (Python holds them as lone surrogates) become `\xNN`, line
    breaks, controls and bidirectional overrides become `\uNNNN`, and a backslash
    becomes two, so that two different names never look the same.

    Args:
        name: A name or a path, as `os.fsdecode` gives it.

    Returns:
        Text on one line that any encoder takes.
    """
    return "".join(_shown_character(character) for character in str(name))


def _shown_character(character: str) -> str:
    code = ord(character)
    if character == "\\":
        return "\\\\"
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if 0xD800 <= code <= 0xDFFF or unicodedata.category(character) in _HIDDEN:
        return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
    return character
