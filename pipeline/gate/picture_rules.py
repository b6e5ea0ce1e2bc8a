"""The rules NM2xx: the picture as a whole, and pictures beside each other."""

from detectors.findings import Severity
from pipeline.gate.rule import Rule

PICTURE = (
    Rule(
        "NM201",
        "image/black",
        Severity.ERROR,
        "The picture is black.",
        "What is left when a safety filter replaces a picture, or when numbers "
        "overflow in the decoder. Generate it again; with the second cause, at full "
        "precision.",
    ),
    Rule(
        "NM202",
        "image/blank",
        Severity.ERROR,
        "The picture is one flat colour.",
        "No picture was made: a decoder that failed, a mask saved as a picture, or an "
        "empty canvas. Generate it again.",
    ),
    Rule(
        "NM203",
        "image/uniform",
        Severity.WARNING,
        "The picture shows next to nothing.",
        "There is a trace of something, but hardly more than noise on one colour. Fog "
        "and snow can be meant so; the limit is `quality.uniform_below`.",
    ),
    Rule(
        "NM204",
        "image/blurred",
        Severity.WARNING,
        "No part of the picture is sharp.",
        "A soft background does no harm: the sharpest parts decide. Enlarged, "
        "out-of-focus and under-sampled pictures are named. The limit is "
        "`quality.blurred_above`.",
    ),
    Rule(
        "NM205",
        "image/dark",
        Severity.WARNING,
        "The picture is very dark.",
        "Dark as a whole and without a light in it; a night scene with lamps is not "
        "named. The limit is `quality.dark_below`.",
    ),
    Rule(
        "NM206",
        "image/bright",
        Severity.WARNING,
        "The picture is washed out.",
        "Bright as a whole and without a shadow in it; a drawing on white has its "
        "lines and is not named. The limit is `quality.bright_above`.",
    ),
    Rule(
        "NM207",
        "image/low-information",
        Severity.NOTE,
        "The picture holds very little information.",
        "Few grey levels are in use, so next to nothing can be learnt from it: a "
        "slide with one word, a bar, a gradient. The limit is "
        "`quality.information_below`, in bits a pixel.",
    ),
    Rule(
        "NM208",
        "image/grey",
        Severity.WARNING,
        "The picture is grey where colour is expected.",
        "Red, green and blue are the same everywhere. Named only where the setting "
        "`quality.expect_colour` is true; black and white can be meant.",
    ),
    Rule(
        "NM211",
        "image/odd-size",
        Severity.NOTE,
        "Width or height is not a multiple that models work at.",
        "Such a picture was cut or scaled after it was generated. It does no harm to "
        "look at; a repair works on a slightly larger cut-out. The multiple is "
        "`quality.size_multiple`.",
    ),
    Rule(
        "NM212",
        "image/odd-aspect",
        Severity.NOTE,
        "The picture is a very long strip.",
        "Models repeat themselves along a strip: two heads, three horizons. The limit "
        "is `quality.max_aspect`, long side over short side.",
    ),
    Rule(
        "NM213",
        "image/size-outlier",
        Severity.WARNING,
        "The picture is much larger or smaller than the others of its folder.",
        "A thumbnail among the pictures, or an original among the thumbnails. The "
        "square root of its area lies far outside that of the other pictures of the "
        "folder; how far is the setting `gate.size_outlier`.",
    ),
    Rule(
        "NM221",
        "image/duplicate",
        Severity.WARNING,
        "Another picture of the folder is the same.",
        "The pixels are the same to the last bit, whatever the files are called and "
        "whatever else they hold. The first by name is the original, every other is "
        "named with it. Seeds that were used twice make them.",
    ),
    Rule(
        "NM222",
        "image/near-duplicate",
        Severity.NOTE,
        "Another picture of the folder is nearly the same.",
        "The same picture in another size or format, or with a small change: the two "
        "hashes of what is seen (64 bits of rows, 64 bits of columns) differ in a few "
        "bits only. How many is the setting `gate.near_duplicate_bits`.",
    ),
    Rule(
        "NM299",
        "image/other",
        Severity.WARNING,
        "A detector of your own objects to the picture.",
        "The finding's kind has no rule of its own. Its severity is that of the "
        "detector's table of kinds.",
    ),
)
