"""How prompts reach the UNet: weights, long prompts, BREAK and embeddings.

What is expected is worked out here from the text encoder alone.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from detectors.geometry import Size
from pipeline.errors import UsageError
from pipeline.inpainters.diffusion.checkpoint import Checkpoint
from pipeline.inpainters.diffusion.chunks import MOST_CHUNKS
from pipeline.inpainters.diffusion.denoise import Denoiser, Guidance
from pipeline.inpainters.diffusion.engine import DiffusionInpainter
from pipeline.inpainters.diffusion.load import load_checkpoint
from pipeline.inpainters.diffusion.text import TextEncoding
from pipeline.inpainters.diffusion.trajectory import Trajectory, start
from pipeline.models import LocatedModel
from pipeline.settings import InpaintSettings
from tests.pipeline.inpainters.requests import hole, request, stripes
from tests.pipeline.inpainters.tiny import WIDTH, WIDTH_2
from tests.support.bomb import Bomb

CPU = torch.device("cpu")
START, END = 512, 513
"""Marks of the tiny tokenizer; each letter is a token there, see `byte_tokenizer`."""

PIXELS, MASK = stripes(64, 64), hole(64, 64, (16, 24, 48, 48))


def load(folder: Path, *files: Path) -> Checkpoint:
    located = LocatedModel("tiny", folder)
    return load_checkpoint(located, (), CPU, torch.float32, embeddings=files)


def ids_of(model: Checkpoint, text: str) -> list[int]:
    return list(model.tokenizers[0](text, add_special_tokens=False).input_ids)


def read(model: Checkpoint, tokens: Sequence[int]) -> torch.Tensor:
    """Return (77, width): one chunk as the encoder reads it."""
    padded = [START, *tokens, END] + [END] * (75 - len(tokens))
    with torch.no_grad():
        told: torch.Tensor = model.text_encoders[0](torch.tensor([padded]))[0][0]
    return told


def encode(model: Checkpoint, prompt: str) -> torch.Tensor:
    return TextEncoding(model, 0).encode(prompt).hidden


def test_a_weight_multiplies_its_tokens_and_the_mean_is_restored(
    families: Mapping[str, Path],
) -> None:
    model = load(families["sd-4"])
    tokens = ids_of(model, "a red cat")
    plain = read(model, tokens)
    expected = plain.clone()
    expected[2:5] *= 1.5
    expected *= plain.mean() / expected.mean()

    torch.testing.assert_close(encode(model, "a (red:1.5) cat"), expected)
    torch.testing.assert_close(encode(model, "a red cat"), plain)


def test_break_gives_each_section_a_chunk_of_its_own(
    families: Mapping[str, Path],
) -> None:
    model = load(families["sd-4"])

    told = encode(model, "red BREAK cat")

    expected = torch.cat([read(model, ids_of(model, word)) for word in ("red", "cat")])
    torch.testing.assert_close(told, expected)


@pytest.mark.parametrize(
    ("prompt", "first"),
    [("a" * 64 + "," + "b" * 20, 65), ("a" * 30 + "," + "b" * 60, 75)],
    ids=["at a comma nearby", "in the middle"],
)
def test_a_long_prompt_is_read_in_chunks(
    families: Mapping[str, Path], prompt: str, first: int
) -> None:
    model = load(families["sd-4"])

    told = encode(model, prompt)

    tokens = ids_of(model, prompt)
    assert len(tokens) == len(prompt)
    expected = torch.cat([read(model, tokens[:first]), read(model, tokens[first:])])
    torch.testing.assert_close(told, expected)


def test_what_no_chunk_is_left_for_is_counted(families: Mapping[str, Path]) -> None:
    code = TextEncoding(load(families["sd-4"]), 0).encode("a" * (75 * MOST_CHUNKS + 9))

    assert len(code.hidden) == 77 * MOST_CHUNKS
    assert code.cut == 9


@pytest.mark.parametrize("family", ["sd-9", "xl-4"])
def test_prompts_of_different_lengths_share_a_batch_and_change_nothing(
    families: Mapping[str, Path], family: str
) -> None:
    model = load(families[family])
    engine = DiffusionInpainter(model, InpaintSettings(steps=3, dtype="float32"))
    regions = [
        engine.prepare(request(PIXELS, MASK, working=Size(64, 64), prompt=prompt))
        for prompt in ("short", "a" * 80, "x BREAK y BREAK (z:1.4)")
    ]
    lengths = [len(region.conditions.positive.hidden) for region in regions]
    assert lengths == [77, 154, 231]
    denoiser = Denoiser(model, Guidance(5.0))

    def fresh() -> list[Trajectory]:
        return [start(region.conditions, 7) for region in regions]

    alone, together = fresh(), fresh()
    for trajectory in alone:
        while not trajectory.finished:
            denoiser.step([trajectory])
    while not together[0].finished:
        denoiser.step(together)

    for one, other in zip(alone, together, strict=True):
        torch.testing.assert_close(one.latents, other.latents, atol=1e-4, rtol=0)


def test_an_embedding_stands_where_a_prompt_names_it(
    families: Mapping[str, Path], tmp_path: Path
) -> None:
    vectors = torch.randn(2, WIDTH)
    save_file({"emb_params": vectors}, tmp_path / "BadHands.safetensors")
    model = load(families["sd-4"], tmp_path / "BadHands.safetensors")
    tokens = ids_of(model, "a b")
    numbers = [tokens[0], 7, 8, tokens[1]]
    table = model.text_encoders[0].get_input_embeddings()
    kept = table.weight[7:9].clone()
    table.weight[7:9] = vectors
    expected = read(model, numbers)
    table.weight[7:9] = kept

    torch.testing.assert_close(encode(model, "a badhands b"), expected)
    plain = load(families["sd-4"])
    torch.testing.assert_close(encode(model, "badhandsy"), encode(plain, "badhandsy"))
    assert torch.equal(table.weight[7:9], kept)


def test_older_files_are_read_like_safetensors(
    families: Mapping[str, Path], tmp_path: Path
) -> None:
    vectors = torch.nn.Parameter(torch.randn(2, WIDTH))
    safe = tmp_path / "bad.safetensors"
    save_file({"emb_params": vectors.detach()}, safe)
    expected = encode(load(families["sd-4"], safe), "a bad b")
    told = {"string_to_token": {"*": 265}, "name": "bad", "step": 1500}
    older = {
        "webui.pt": told | {"string_to_param": {"*": vectors}},
        "first.pt": told | {"string_to_param": torch.nn.ParameterDict({"*": vectors})},
        "diffusers.bin": {"<bad>": vectors.detach()},
    }

    for name, held in older.items():
        file = tmp_path / name
        torch.save(held, file)
        got = encode(load(families["sd-4"], file), f"a {file.stem} b")
        torch.testing.assert_close(got, expected)


def test_an_embedding_that_would_run_code_is_not_opened(
    families: Mapping[str, Path], tmp_path: Path
) -> None:
    mark, file = tmp_path / "ran", tmp_path / "bad.pt"
    torch.save({"string_to_param": {"*": Bomb(mark)}}, file)

    with pytest.raises(UsageError, match="could run code; it was not opened"):
        load(families["sd-4"], file)

    assert not mark.exists()
    torch.load(file, weights_only=False)
    assert mark.exists()


def test_sdxl_takes_a_set_of_vectors_for_each_encoder(
    families: Mapping[str, Path], tmp_path: Path
) -> None:
    file = tmp_path / "bad.safetensors"
    save_file({"clip_g": torch.ones(1, WIDTH_2), "clip_l": torch.ones(1, WIDTH)}, file)
    model = load(families["xl-4"], file)

    told, plain = (
        TextEncoding(each, 0).encode("bad") for each in (model, load(families["xl-4"]))
    )

    for part in (slice(None, WIDTH), slice(WIDTH, None)):
        assert not torch.allclose(told.hidden[:, part], plain.hidden[:, part])
    assert told.pooled is not None
    assert plain.pooled is not None
    assert not torch.allclose(told.pooled, plain.pooled)


def test_an_embedding_that_cannot_be_used_is_one_sentence(
    families: Mapping[str, Path], tmp_path: Path
) -> None:
    wide, broken = tmp_path / "wide.safetensors", tmp_path / "broken.safetensors"
    save_file({"emb_params": torch.ones(1, 5)}, wide)
    broken.write_bytes(b"nothing")
    empty, other_kind = tmp_path / "old.pt", tmp_path / "bad.ckpt"
    empty.write_bytes(b"")
    other_kind.write_bytes(b"")

    for file, said in (
        (wide, "does not fit this model"),
        (broken, "is damaged"),
        (empty, "is damaged"),
        (other_kind, "must be a .safetensors, .pt or .bin file"),
        (tmp_path / "none.safetensors", "there is no embedding"),
    ):
        with pytest.raises(UsageError, match=said) as raised:
            load(families["sd-4"], file)
        assert file.name in str(raised.value)
    other = tmp_path / "more" / "WIDE.safetensors"
    other.parent.mkdir()
    for file in (wide, other):
        save_file({"emb_params": torch.ones(1, WIDTH)}, file)
    with pytest.raises(UsageError, match="two embeddings are called 'wide'"):
        load(families["sd-4"], wide, other)
