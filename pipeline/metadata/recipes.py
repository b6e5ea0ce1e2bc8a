"""Read how a picture was generated, whoever wrote it down.

Own readers take AUTOMATIC1111's form, ComfyUI's graph and SwarmUI's JSON. What
InvokeAI, NovelAI and Fooocus write is left to the library sd-parsers. Its readers are
called one by one on texts that were already found and bounded here: its front door
caches by the address of a Pillow object, and so can answer with another picture's text.
"""

import json
from collections.abc import Callable, Mapping

from sd_parsers.exceptions import ParserError
from sd_parsers.parsers import FooocusParser, InvokeAIParser, NovelAIParser

from pipeline.metadata import comfyui, webui
from pipeline.metadata.texts import read_texts
from pipeline.records import Recipe

MAX_WORDS_BYTES = 100_000
"""Prompts are cut to this length; no text encoder reads as much."""

MAX_FOREIGN_BYTES = 64 * 1024
"""The longest text that is given to the library: some of its searches are quadratic."""

_FOREIGN_KEYS = (
    "parameters",
    "invokeai_metadata",
    "sd-metadata",
    "Dream",
    "Description",
    "Software",
    "Source",
    "Comment",
)
_WHAT_HOSTILE_TEXT_CAUSES = (
    ParserError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)

Texts = Mapping[str, str]
Reader = Callable[[Texts], Recipe | None]


def read_recipe(encoded: bytes) -> Recipe:
    """Return how the picture was generated, as far as its file tells.

    Args:
        encoded: A PNG, JPEG or WebP file.

    Returns:
        The recipe; an empty one when nothing is known. It never raises, whatever the
        file holds.
    """
    texts = read_texts(encoded)
    for reader in _READERS:
        recipe = reader(texts)
        if recipe is not None:
            return Recipe(
                recipe.prompt[:MAX_WORDS_BYTES],
                recipe.negative_prompt[:MAX_WORDS_BYTES],
                recipe.generator,
            )
    return Recipe()


def _swarmui(texts: Texts) -> Recipe | None:
    for text in _unnamed(texts):
        settings = _json_object(text).get("sui_image_params")
        if isinstance(settings, dict):
            return Recipe(
                str(settings.get("prompt", "")),
                str(settings.get("negativeprompt", "")),
                "SwarmUI",
            )
    return None


def _fooocus(texts: Texts) -> Recipe | None:
    for text in _unnamed(texts):
        if '"base_model"' in text:
            recipe = _foreign({"parameters": text}, FooocusParser(), "Fooocus")
            if recipe is not None:
                return recipe
    return None


def _webui(texts: Texts) -> Recipe | None:
    found = (webui.read(text) for text in _unnamed(texts))
    return next((recipe for recipe in found if recipe is not None), None)


def _comfyui(texts: Texts) -> Recipe | None:
    graphs = [texts.get("prompt", "")]
    # In WebP and JPEG it writes "prompt:{...}" into EXIF, most often into Model.
    graphs += [
        texts[key].removeprefix("prompt:")
        for key in ("Model", "Make", "ImageDescription", "UserComment")
        if key in texts
    ]
    found = (comfyui.read(text.strip()) for text in graphs if "class_type" in text)
    return next((recipe for recipe in found if recipe is not None), None)


def _invokeai(texts: Texts) -> Recipe | None:
    if not {"invokeai_metadata", "sd-metadata", "Dream"} & texts.keys():
        return None
    settings = _json_object(texts.get("invokeai_metadata", ""))
    if "positive_prompt" in settings:
        return Recipe(
            str(settings["positive_prompt"] or ""),
            str(settings.get("negative_prompt") or ""),
            "InvokeAI",
        )
    return _foreign(texts, InvokeAIParser(), "InvokeAI")


def _novelai(texts: Texts) -> Recipe | None:
    if texts.get("Software", "") != "NovelAI" and "Comment" not in texts:
        return None
    return _foreign(texts, NovelAIParser(), "NovelAI")


def _foreign(
    texts: Texts, parser: FooocusParser | InvokeAIParser | NovelAIParser, name: str
) -> Recipe | None:
    kept = {key: texts[key] for key in _FOREIGN_KEYS if key in texts}
    if sum(len(text) for text in kept.values()) > MAX_FOREIGN_BYTES:
        return None
    try:
        info = parser.parse(kept)
        prompts = [str(prompt.value) for prompt in info.prompts]
        negatives = [str(prompt.value) for prompt in info.negative_prompts]
    except _WHAT_HOSTILE_TEXT_CAUSES:
        return None
    return Recipe(", ".join(prompts), ", ".join(negatives), name)


def _unnamed(texts: Texts) -> list[str]:
    """Return the texts under names that several generators share."""
    names = ("parameters", "UserComment", "ImageDescription", "Comment")
    return [texts[name] for name in names if name in texts]


def _json_object(text: str) -> Mapping[str, object]:
    try:
        loaded = json.loads(text) if text.lstrip().startswith("{") else {}
    except (ValueError, RecursionError):
        return {}
    return loaded if isinstance(loaded, dict) else {}


_READERS: tuple[Reader, ...] = (
    _swarmui,
    _fooocus,
    _webui,
    _comfyui,
    _invokeai,
    _novelai,
)
