"""What the readers of file structures raise."""


class Damaged(ValueError):
    """The bytes are not a whole file of their kind; the text is one clause."""
