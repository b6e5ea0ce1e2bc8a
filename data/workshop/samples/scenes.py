"""What stands on each sample picture: the one table to change."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HandPlace:
    """One rendered hand in a scene."""

    seed: int
    kind: str
    """The renderer's name of the flaw, or "ok"."""

    pose: str
    style: str
    side: int
    """The hand's own square frame in pixels."""

    left: int = 0
    """Where that frame lies in the scene, in pixels; its far parts may leave it."""

    top: int = 0
    quarter_turns: int = 0
    """Counter-clockwise, so that the arm can leave the scene at another edge."""


@dataclass(frozen=True, slots=True)
class SampleScene:
    """One sample picture."""

    name: str
    """File name; its suffix decides the format."""

    width: int
    height: int
    backdrop_seed: int
    prompt: str
    hands: tuple[HandPlace, ...] = ()
    flaws: tuple[str, ...] = ()
    """Findings that a perfect detector reports, as `nightmend check` names them."""

    masked: bool = False
    """Also ship a mask of the surplus digit, as a person would paint it."""

    photograph: str = ""
    """A square picture installed with scikit-image, shown as a framed print.

    Its face is melted a little, as small faces of generated pictures are.
    """

    photograph_px: int = 0
    """Side to which the photograph is shrunk."""


SCENES: tuple[SampleScene, ...] = (
    SampleScene(
        "six-fingers.png",
        768,
        768,
        0,
        "a person raising an open hand, photo",
        (HandPlace(900, "growth", "open", "photo", 768),),
        ("hand/extra-digit",),
        masked=True,
    ),
    SampleScene(
        "finger-at-the-wrist.jpg",
        640,
        640,
        0,
        "a hand in front of a blue wall, soft light, photo",
        (HandPlace(2017, "growth", "relaxed", "photo", 640),),
        ("hand/extra-digit",),
        masked=True,
    ),
    SampleScene(
        "seven-fingers.webp",
        768,
        768,
        0,
        "a hand in front of a hedge, photo",
        (HandPlace(2107, "extra", "spread", "photo", 768),),
        ("hand/extra-digit",),
    ),
    SampleScene(
        "anime-six.png",
        640,
        640,
        0,
        "anime, open hand, flat colours, clean lines",
        (HandPlace(2203, "growth", "spread", "anime", 640),),
        ("hand/extra-digit",),
        masked=True,
    ),
    SampleScene(
        "painted-six.png",
        640,
        640,
        0,
        "oil painting of a hand with dark nails",
        (HandPlace(2301, "growth", "spread", "painted", 640),),
        ("hand/extra-digit",),
        masked=True,
    ),
    SampleScene(
        "fused-fingers.png",
        640,
        640,
        0,
        "a hand held up, photo",
        (HandPlace(2514, "fused", "open", "photo", 640),),
        ("hand/fused",),
    ),
    SampleScene(
        "four-fingers.jpg",
        640,
        640,
        0,
        "an open hand, photo",
        (HandPlace(2604, "missing", "spread", "photo", 640),),
        ("hand/missing-digit",),
    ),
    SampleScene(
        "two-hands.png",
        1024,
        768,
        36,
        "two raised hands in front of an evening sky, photo",
        (
            HandPlace(2022, "growth", "spread", "photo", 576, 448, 192),
            HandPlace(2413, "ok", "open", "photo", 512, 0, 150),
        ),
        ("hand/extra-digit",),
    ),
    SampleScene(
        "odd-size.png",
        513,
        513,
        0,
        "an open hand, warm light, photo",
        (HandPlace(2109, "extra", "spread", "photo", 513),),
        ("hand/extra-digit", "image/odd-size"),
    ),
    SampleScene(
        "far-face.png",
        768,
        640,
        35,
        "a framed photograph of an astronaut on a wooden table, photo",
        flaws=("face/too-small",),
        photograph="astronaut",
        photograph_px=320,
    ),
    SampleScene(
        "clean-hand.png",
        640,
        640,
        0,
        "an open hand, studio light, photo",
        (HandPlace(2413, "ok", "open", "photo", 640),),
    ),
    SampleScene("clean-still.jpg", 768, 512, 35, "a wooden board, photo"),
)
