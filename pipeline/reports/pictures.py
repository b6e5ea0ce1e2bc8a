"""Which of the kept pictures a page shows, and how it gets at them."""

import base64
from pathlib import Path
from urllib.parse import quote

TYPES = {".webp": "image/webp", ".png": "image/png", ".jpg": "image/jpeg"}


class Pictures:
    """Turns the name of a kept picture into what the page's script looks it up by.

    What is asked for first is embedded first; when the room is used up, the page points
    at the file, or shows nothing where it must not point at files.
    """

    def __init__(self, state: Path, *, embed_bytes: int, link: bool = True) -> None:
        """Begin with nothing embedded.

        Args:
            state: The folder that the names start from.
            embed_bytes: Room for embedded pictures, in bytes of their files.
            link: Point at the files that have no room.
        """
        self._state = state
        self._room = embed_bytes
        self._link = link
        self._known: dict[str, str] = {}
        self.embedded: dict[str, str] = {}
        """Data URI by name, of all that was embedded."""

        self.linked: set[str] = set()
        """The names of the files that the page points at."""

    def link(self, name: str) -> str:
        """Return the name as the page knows it; "" when there is nothing to show."""
        if name not in self._known:
            self._known[name] = self._looked_up(name)
        return self._known[name]

    def _looked_up(self, name: str) -> str:
        path = self._state / name
        media_type = TYPES.get(path.suffix.lower())
        if not name or media_type is None or not path.is_file():
            return ""
        size = path.stat().st_size
        if size <= self._room:
            self._room -= size
            data = base64.b64encode(path.read_bytes()).decode()
            self.embedded[name] = f"data:{media_type};base64,{data}"
            return name
        if not self._link:
            return ""
        self.linked.add(name)
        return quote(name)
