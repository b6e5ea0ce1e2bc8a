"""Fit the model of `detectors.face_quality` on damage made here.

    python -m workshop.faces.fit_quality FOLDER [FOLDER ...]

FOLDER holds photographs with one or more sound faces. They are read and measured; none
of them, and no part of one, becomes part of the model, which is a table of thirty
numbers. The figures printed for "kept back" come from a model fitted on the other half
of the photographs; the table printed at the end is fitted on all.

The row "strangeness" is set by hand: the photographs are those that the probe was
trained on, where it looks better than it is; elsewhere sound faces reach 1.2.

The shipped table was fitted on 35 photographs of well-known people that two public
packages bring as test pictures (of `face-recognition` 1.3.0 and of `deepface`).
"""

import argparse
import sys
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from detectors import face_quality, weights
from detectors.face_finding import FaceFinder, FoundFace
from detectors.face_nets import FaceNet
from detectors.face_probe import FaceProbe
from detectors.face_quality import Term
from detectors.face_reading import FaceReader
from detectors.geometry import Box
from workshop.faces.crops import cut_out, scaled
from workshop.faces.damage import DAMAGES, VISIBLE_FROM, Face, RgbArray

DEGREES = (0.0, 0.2, 0.4, 0.7, 1.0)

_BLUR_OF_OPINION = 0.10
_RIDGE = 0.01
_LEAST_WEIGHT = {"softness": 0.3}
_LEAST_OTHERS = 0.1
"""Per standard deviation of the term."""


class Sample(NamedTuple):
    """One measured face."""

    photo: int
    damage: str
    degree: float
    measured: dict[str, float]

    @property
    def target(self) -> float:
        """The share of people who would call it badly drawn, 0..1; a guess."""
        away = (self.degree - VISIBLE_FROM[self.damage]) / _BLUR_OF_OPINION
        return float(1 / (1 + np.exp(-np.clip(away, -30, 30))))


def main() -> None:
    """Measure, fit, print the table and how well it does on photographs kept back."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--photos", type=int, default=24)
    args = parser.parse_args()
    paths = sorted(path for one in args.folders for path in one.glob("*.[jp][pn]g"))
    step = max(1, len(paths) // args.photos)
    samples = _measure_all(paths[::step])
    fitted = [one for one in samples if one.photo % 2 == 0]
    kept_back = [one for one in samples if one.photo % 2 == 1]
    for label, rows in (("fitted", fitted), ("kept back", kept_back)):
        _report(label, rows, *fit(fitted))
    model, bias = fit(samples)
    print("fitted on all:")
    print(f"bias = {bias:.3f}")
    for name, term in model.items():
        print(
            f'"{name}": Term({term.normal:.3f}, {term.width:.3f}, {term.weight:.3f}),'
        )


def _measure_all(paths: list[Path]) -> list[Sample]:
    net = FaceNet.open()
    reader = FaceReader(net, FaceProbe.open(net))
    finder = FaceFinder(weights.find("centerface"))
    rng = np.random.default_rng(5)
    samples: list[Sample] = []
    for number, path in enumerate(paths):
        picture = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
        if picture is None:
            continue
        shown = np.asarray(picture, np.uint8)
        scale = min(1.0, 900 / max(shown.shape))
        shown = cv2.resize(
            shown, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA
        )
        faces = [one for one in finder.find(shown, above=0.7) if one.box.width > 70]
        for face in faces[:1]:
            width = float(np.exp(rng.uniform(np.log(56), np.log(face.box.width))))
            cut, found = cut_out(shown, face, width / face.box.width)
            samples += _measure(number, cut, found, reader)
            print(path.name, len(samples), file=sys.stderr, flush=True)
    return samples


def _measure(
    photo: int, cut: RgbArray, found: FoundFace, reader: FaceReader
) -> list[Sample]:
    face = Face(found.points, found.box.width)
    samples: list[Sample] = []
    for name, damage in DAMAGES.items():
        for degree in DEGREES:
            if degree == 0 and name != "shrunk":
                measured = dict(samples[0].measured)
            else:
                hurt = damage(cut, face, degree, photo)
                scale = hurt.shape[1] / cut.shape[1]
                size = Box(0, 0, hurt.shape[1], hurt.shape[0]).size
                seen = scaled(found, scale)
                seen = FoundFace(seen.box.clipped(size), 1.0, seen.points)
                mesh = reader.read(hurt, seen)
                measured = dict(face_quality.measure(hurt, seen, mesh, reader))
            samples.append(Sample(photo, name, degree, measured))
    return samples


def fit(samples: list[Sample]) -> tuple[dict[str, Term], float]:
    """Fit weights by projected gradient descent on the cross entropy.

    The normal value of a measurement is the 70th percentile over sound faces, and its
    width twice the distance to the 90th. Every measurement keeps a least weight, so
    that two repairs are told apart also where the fit alone would not care.
    """
    names = [name for name in samples[0].measured if name != "strangeness"]
    sound = [one.measured for one in samples if one.degree == 0]
    shapes = {}
    for name in names:
        middle, high = np.percentile([one[name] for one in sound], (70, 90))
        shapes[name] = (float(middle), 2 * max(float(high - middle), 0.05))
    terms = np.array([[_term(one, n, shapes[n]) for n in names] for one in samples])
    goal = np.array([one.target for one in samples])
    scale = terms.std(axis=0)
    least = np.array([_LEAST_WEIGHT.get(name, _LEAST_OTHERS) for name in names])
    values, bias = np.zeros(len(names)), -2.0
    for _ in range(6000):
        guess = 1 / (1 + np.exp(-np.clip(terms / scale @ values + bias, -30, 30)))
        wrong = (guess - goal) / len(goal)
        slope = (terms / scale).T @ wrong + _RIDGE * values
        values = np.maximum(values - 0.3 * slope, least)
        bias -= 0.3 * float(wrong.sum())
    model = {
        name: Term(*shapes[name], float(value / size))
        for name, value, size in zip(names, values, scale, strict=True)
    }
    return model, bias


def _term(sample: Sample, name: str, shape: tuple[float, float]) -> float:
    return float(np.logaddexp(0, (sample.measured[name] - shape[0]) / shape[1]))


def _report(
    label: str, samples: list[Sample], model: dict[str, Term], bias: float
) -> None:
    odds = [face_quality.probability(one.measured, model, bias) for one in samples]
    for name in DAMAGES:
        row = []
        for degree in DEGREES:
            values = [
                value
                for one, value in zip(samples, odds, strict=True)
                if one.damage == name and one.degree == degree
            ]
            row.append(f"{np.median(values):.2f} ({min(values):.2f}-{max(values):.2f})")
        print(f"{label:10} {name:14} " + "  ".join(row))


if __name__ == "__main__":
    main()
