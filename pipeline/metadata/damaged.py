"""What the readers of file structures raise."""


class Damaged(ValueError):
    """The bytes are not a whole file of their kind; the text is one clause."""


class EndsEarly(Damaged):
    """The bytes end before the picture does."""
