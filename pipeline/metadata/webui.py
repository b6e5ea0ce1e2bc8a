"""Read generation parameters in AUTOMATIC1111's form.

The form is that of its `modules/infotext_utils.py`: the prompt, which may run over
several lines; "Negative prompt: " and what follows it; and a line of settings that
begins with "Steps: ". Forge, SD.Next, Civitai and many others write the same.
"""

import re

from pipeline.records import Recipe

NAME = "AUTOMATIC1111"
_SETTINGS = re.compile(r"^Steps: \d+", re.MULTILINE)
_PAIR = re.compile(r"(?:^|, )(?:Sampler|CFG scale|Seed|Size|Model hash|Model): ")
_NEGATIVE = "Negative prompt:"
_TEMPLATES = re.compile(r"^(?:Negative )?Template: ", re.MULTILINE)


def read(text: str) -> Recipe | None:
    """Return the recipe, or None when the text is in another form.

    A text without a line of settings counts only with a negative prompt: a plain
    sentence could be anything.
    """
    found = _settings_start(text)
    prompts = text if found is None else text[:found]
    opening = re.search(rf"^\s*{_NEGATIVE}", prompts, re.MULTILINE)
    if found is None and opening is None:
        return None
    if opening is None:
        return Recipe(prompts.strip(), "", NAME)
    positive, negative = prompts[: opening.start()], prompts[opening.end() :]
    return Recipe(positive.strip(), negative.strip(), NAME)


def _settings_start(text: str) -> int | None:
    """Return where the last line of settings begins, or None."""
    starts = [match.start() for match in _SETTINGS.finditer(text)]
    lines = (
        (start, text[start:].partition("\n")[0]) for start in reversed(starts[-8:])
    )
    found = next((start for start, line in lines if _PAIR.search(line)), None)
    if found is None:
        return None
    template = _TEMPLATES.search(text[:found])
    return found if template is None else min(found, template.start())
