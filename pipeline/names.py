"""Show file names, which are hostile text, on one harmless line."""

import re
import unicodedata

_HIDDEN = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs", "Cn", "Co"})
"""Unicode categories that steer a terminal, or that nobody can see: controls, format
signs such as the bidirectional overrides, line and paragraph separators, unassigned;
and spaces, but for the plain one, which everybody takes the others for."""

_LOG_COMMAND = re.compile(r"##(?=\w*\[)")
"""Such as "##[error]" and "##vso[task...": build servers obey these anywhere in what a
program prints."""


def shown(name: object) -> str:
    r"""Return the text with everything that does not print as itself escaped.

    Bytes that are not UTF-8 (Python holds them as lone surrogates) become `\xNN`, line
    breaks, controls, bidirectional overrides and the sign with which a build server's
    commands begin become `\uNNNN`, and a backslash becomes two, so that two different
    names never look the same.

    Args:
        name: A name or a path, as `os.fsdecode` gives it.

    Returns:
        Text on one line that any encoder takes.
    """
    return harmless(str(name).replace("\\", "\\\\"))


def harmless(sentence: str) -> str:
    """Return a sentence on one line, with nothing in it that steers its reader.

    For sentences whose names were put in with `shown`: what is escaped stays as it is.
    """
    line = "".join(_shown_character(character) for character in sentence)
    return _LOG_COMMAND.sub(r"#\\u0023", line)


def _shown_character(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if character == " ":
        return character
    if 0xD800 <= code <= 0xDFFF or unicodedata.category(character) in _HIDDEN:
        return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
    return character
