"""Read the prompts out of a ComfyUI graph.

The graph is the one in API form that ComfyUI writes under "prompt": node number to
`class_type` and `inputs`, where an input is a value or a link `[node, output]`. The
sampler that leads to the picture is looked for from its end, and from there the texts
behind "positive" and "negative".
"""

import json
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeAlias

from pipeline.records import Recipe

NAME = "ComfyUI"
Side = Literal["positive", "negative"]
Graph: TypeAlias = Mapping[str, Mapping[str, Any]]

_MOST_NODES = 5_000
_TEXTS = ("text", "text_g", "text_l", "t5xxl", "clip_l", "prompt", "string", "value")
"""Inputs that hold words, in the order in which they are taken."""

_ELSEWHERE = frozenset(
    {"clip", "model", "vae", "image", "pixels", "samples", "latent", "latent_image"}
    | {"mask", "control_net", "control_net_name", "clip_vision", "style_model"}
)
"""Inputs that never lead to the words."""


def read(text: str) -> Recipe | None:
    """Return the recipe, or None when the text is no graph with a sampler in it."""
    graph = _graph(text)
    for name in _from_the_end(graph):
        inputs = _inputs(graph, name)
        if _link(inputs.get("positive")) is not None:
            positive = _words(graph, inputs["positive"], "positive")
            negative = _words(graph, inputs.get("negative"), "negative")
            return Recipe(positive, negative, NAME)
        if "Guider" in _class(graph, name) and "conditioning" in inputs:
            positive = _words(graph, inputs["conditioning"], "positive")
            return Recipe(positive, "", NAME)
    return None


def _graph(text: str) -> Graph:
    try:
        loaded = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(loaded, dict) or len(loaded) > _MOST_NODES:
        return {}
    return {
        name: node
        for name, node in loaded.items()
        if isinstance(node, dict) and isinstance(node.get("inputs"), dict)
    }


def _from_the_end(graph: Graph) -> Iterator[str]:
    """Yield every node, those that make the picture first, nearest to them first."""
    used = {
        link
        for name in graph
        for v in _inputs(graph, name).values()
        if (link := _link(v))
    }
    ends = [name for name in graph if name not in used]
    ends.sort(key=lambda name: "SaveImage" not in _class(graph, name))
    waiting, seen = deque([*ends, *graph]), set[str]()
    while waiting:
        name = waiting.popleft()
        if name in seen or name not in graph:
            continue
        seen.add(name)
        yield name
        links = [_link(value) for value in _inputs(graph, name).values()]
        # Ahead of the other ends: one end is followed up before the next is begun.
        waiting.extendleft(reversed([link for link in links if link is not None]))


def _words(graph: Graph, start: object, side: Side) -> str:
    """Join the texts behind one input, in the order of the graph."""
    found: list[str] = []
    waiting, seen = [start], set[str]()
    while waiting:
        value = waiting.pop()
        name = _link(value)
        if name is None or name in seen or name not in graph:
            continue
        seen.add(name)
        if _class(graph, name) == "ConditioningZeroOut":
            continue  # What is behind it is thrown away.
        inputs = _inputs(graph, name)
        texts = [inputs[key] for key in _TEXTS if key in inputs]
        for text in texts:
            if isinstance(text, str) and text.strip() and text.strip() not in found:
                found.append(text.strip())
        waiting.extend(reversed(_onward(inputs, side)))
    return ", ".join(found)


def _onward(inputs: Mapping[str, Any], side: Side) -> list[object]:
    other = "negative" if side == "positive" else "positive"
    if side in inputs and other in inputs:
        return [inputs[side]]
    return [value for key, value in inputs.items() if key not in _ELSEWHERE]


def _inputs(graph: Graph, name: str) -> Mapping[str, Any]:
    inputs: Mapping[str, Any] = graph[name]["inputs"]
    return inputs


def _class(graph: Graph, name: str) -> str:
    return str(graph[name].get("class_type", ""))


def _link(value: object) -> str | None:
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str | int):
        return str(value[0])
    return None
