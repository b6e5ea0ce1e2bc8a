"""Settings of a run that nobody watches."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from pipeline.settings.basics import Section


class NightSettings(Section):
    """How much time a picture may take, and who is told how the night went."""

    picture_budget_s: Annotated[float, Field(ge=0, le=604_800)] = 0.0
    """Seconds after which no more variations of a picture are asked for, and the best
    so far is kept; 0 sets no limit."""

    notify: tuple[SecretStr, ...] = ()
    """Who is told: web addresses (http, https) get a small JSON text by POST, any other
    address goes to the library apprise (extra `notify`). Never shown again."""

    notify_on: tuple[Literal["end", "stall"], ...] = ("end", "stall")
    """What is told: the end of a run, and that no picture was finished for long."""

    stall_s: Annotated[float, Field(gt=0, le=604_800)] = 1800.0
    """A run stalls when no picture was finished for this long, in seconds."""

    notify_timeout_s: Annotated[float, Field(gt=0, le=300)] = 15.0
    """The longest that telling one address may take, in seconds."""

    label: str = ""
    """What messages call the run, such as the machine's name; "" leaves it out."""
