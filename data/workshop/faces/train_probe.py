"""Train the linear model of `detectors.face_probe` on damage made here.

    python -m workshop.faces.train_probe --out FILE FOLDER [FOLDER ...]

Each photograph in FOLDER gives its surest face at two random sizes, sound (also lit
otherwise and mirrored) and damaged in every way of `workshop.faces.damage` and by melts
of many shapes. The figures printed are cross-validated by photograph. Features are kept
in FILE.npz, so a stopped run goes on where it was.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import torch
from safetensors.numpy import save_file

from detectors import weights
from detectors.face_finding import FaceFinder, FoundFace
from detectors.face_nets import FaceNet
from detectors.face_probe import FaceProbe, ProbeWeights
from detectors.face_reading import FaceReader
from workshop.faces.crops import cut_out, scaled
from workshop.faces.damage import DAMAGES, VISIBLE_FROM, Face, RgbArray, melted_oddly

FloatArray = npt.NDArray[np.float32]

DEGREES = (0.25, 0.5, 1.0)
ODD_DEGREES = (0.15, 0.3, 0.5, 0.7, 1.0)
_FEATURES = 2880
_RIDGE = 1e-5
_FOLDS = 4
_WAYS = {**DAMAGES, "melted oddly": melted_oddly}


class Example(NamedTuple):
    """One face as the probe sees it."""

    photo: int
    damage: str
    degree: float
    features: FloatArray

    @property
    def target(self) -> float:
        """The share of people who would call it badly drawn, 0..1; a guess."""
        if self.damage == "sound":
            return 0.0
        return float(1 / (1 + np.exp(-(self.degree - VISIBLE_FROM[self.damage]) / 0.1)))


def main() -> None:
    """Collect features, cross-validate, train on all, and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    paths = sorted(path for one in args.folders for path in one.glob("*.[jp][pn]g"))
    examples = _collect(paths, args.out.with_suffix(".npz"))
    _report(examples)
    mean, spread, weight, bias = train(examples)
    stored = {"mean": mean, "spread": spread, "weight": weight}
    args.out.parent.mkdir(parents=True, exist_ok=True)
    save_file({**stored, "bias": np.array([bias], np.float32)}, args.out)


def train(
    examples: list[Example],
) -> tuple[FloatArray, FloatArray, FloatArray, float]:
    """Fit logistic regression with a ridge; return mean, spread, weight and bias."""
    features = np.stack([one.features for one in examples])
    mean, spread = features.mean(axis=0), features.std(axis=0) + 1e-3
    scale = np.float32(np.sqrt(features.shape[1]))
    inputs = torch.from_numpy((features - mean) / spread / scale)
    goal = torch.tensor([one.target for one in examples], dtype=torch.float32)
    weight = torch.zeros(inputs.shape[1], requires_grad=True)
    bias = torch.zeros(1, requires_grad=True)
    search = torch.optim.LBFGS(
        [weight, bias], max_iter=150, line_search_fn="strong_wolfe"
    )

    def loss() -> torch.Tensor:
        search.zero_grad()
        wrong = torch.nn.functional.binary_cross_entropy_with_logits(
            inputs @ weight + bias, goal
        )
        total: torch.Tensor = wrong + _RIDGE * (weight**2).sum()
        total.backward()  # type: ignore[no-untyped-call]
        return total

    search.step(loss)  # type: ignore[no-untyped-call]
    found: FloatArray = weight.detach().numpy().astype(np.float32) / scale
    return mean, spread, found, float(bias.item())


def _collect(paths: list[Path], kept: Path) -> list[Example]:
    examples = _load(kept)
    done = {one.photo for one in examples}
    net = FaceNet.open()
    probe = FaceProbe(net, _no_model())
    reader = FaceReader(net, probe)
    finder = FaceFinder(weights.find("centerface"))
    for number, path in enumerate(paths):
        picture = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
        if number in done or picture is None:
            continue
        shown = np.asarray(picture, np.uint8)
        scale = min(1.0, 700 / max(shown.shape))
        shown = np.asarray(
            cv2.resize(shown, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA),
            np.uint8,
        )
        faces = [one for one in finder.find(shown, above=0.7) if one.box.width > 70]
        rng = np.random.default_rng(number)
        for face in [*faces[:1], *faces[:1]]:
            width = float(np.exp(rng.uniform(np.log(56), np.log(face.box.width))))
            cut, found = cut_out(shown, face, width / face.box.width)
            for damage, degree, hurt, seen in _versions(cut, found, rng):
                crop = reader.frame_of(hurt, seen).cut(hurt)
                features = probe.features(crop)
                examples.append(Example(number, damage, degree, features))
        _save(examples, kept)
        print(path.name, len(examples), flush=True)
    return examples


def _versions(
    cut: RgbArray, found: FoundFace, rng: np.random.Generator
) -> list[tuple[str, float, RgbArray, FoundFace]]:
    rows: list[tuple[str, float, RgbArray, FoundFace]] = [("sound", 0.0, cut, found)]
    for _ in range(2):
        lit = cut * rng.uniform(0.7, 1.15) + rng.uniform(-15, 25)
        rows.append(("sound", 0.0, lit.clip(0, 255).astype(np.uint8), found))
    face = Face(found.points, found.box.width)
    for name, way in _WAYS.items():
        for degree in ODD_DEGREES if name == "melted oddly" else DEGREES:
            seed = int(rng.integers(1_000_000))
            hurt = np.ascontiguousarray(way(cut, face, degree, seed))
            seen = scaled(found, hurt.shape[1] / cut.shape[1])
            rows.append((name, degree, hurt, seen))
    return rows


def _report(examples: list[Example]) -> None:
    photos = sorted({one.photo for one in examples})
    fold = {photo: number % _FOLDS for number, photo in enumerate(photos)}
    odds = np.zeros(len(examples))
    for number in range(_FOLDS):
        model = ProbeWeights(
            *train([one for one in examples if fold[one.photo] != number])
        )
        for place, one in enumerate(examples):
            if fold[one.photo] == number:
                odds[place] = model.log_odds(one.features)
    ways = [(one.damage, one.degree) for one in examples]
    sound = odds[[way[0] == "sound" for way in ways]]
    for way in sorted(set(ways)):
        mine = odds[[other == way for other in ways]]
        above = float((mine[:, None] > sound[None]).mean())
        median = 1 / (1 + np.exp(-np.median(mine)))
        print(f"{way[0]:14} {way[1]:.2f}  AUC {above:.2f}  probability {median:.2f}")


def _no_model() -> ProbeWeights:
    zeros = np.zeros(_FEATURES, np.float32)
    return ProbeWeights(zeros, zeros + 1, zeros, 0.0)


def _load(kept: Path) -> list[Example]:
    if not kept.is_file():
        return []
    with np.load(kept) as stored:
        rows = zip(
            stored["photo"].tolist(),
            stored["damage"].tolist(),
            stored["degree"].tolist(),
            stored["features"],
            strict=True,
        )
        return [Example(*row) for row in rows]


def _save(examples: list[Example], kept: Path) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    photo, damage, degree, features = zip(*examples, strict=True)
    fresh = kept.with_suffix(".part.npz")
    np.savez(
        fresh, photo=photo, damage=damage, degree=degree, features=np.stack(features)
    )
    fresh.replace(kept)


if __name__ == "__main__":
    main()
