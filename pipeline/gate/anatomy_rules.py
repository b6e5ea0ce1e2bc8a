"""The rules NM1xx: hands, faces and bodies."""

from detectors.findings import Severity
from pipeline.gate.rule import Rule

ANATOMY = (
    Rule(
        "NM101",
        "hand/extra-digit",
        Severity.ERROR,
        "A hand shows more digits than a hand has.",
        "The best known flaw of generated pictures. The detector counts what lies "
        "beside each other on a hand and marks every digit with a dot, so that a "
        "person can recount in a second. Repaint the hand with `nightmend repair`, or "
        "generate the picture again. Two hands that lie on each other can be taken "
        "for one with too many digits; put such a place into the baseline with its "
        "reason.",
    ),
    Rule(
        "NM102",
        "hand/missing-digit",
        Severity.ERROR,
        "A hand lacks a digit that should be seen.",
        "A digit that is merely bent away or behind something is not missing: the "
        "rule speaks only where the hand is open to the view and there is a gap or a "
        "stump. Repaint the hand with `nightmend repair`. A drawn style in which "
        "every hand has four digits breaks this rule on purpose; ignore it for that "
        "folder.",
    ),
    Rule(
        "NM103",
        "hand/fused",
        Severity.ERROR,
        "Digits have grown together.",
        "Two or more digits share one outline, as if webbed or melted. Fingers that "
        "are held tightly together look alike from afar; the rule wants to see that "
        "the line between them is gone. Repaint the hand with `nightmend repair`.",
    ),
    Rule(
        "NM104",
        "hand/malformed",
        Severity.ERROR,
        "A hand is bent, melted or proportioned as no hand is.",
        "The hand as a whole is wrong, and no single digit is to blame: joints that "
        "bend the wrong way, a palm that dissolves, fingers of impossible length. "
        "Repaint the hand with `nightmend repair`. Gloves, claws and robots can be "
        "named too; ignore the rule for folders that are meant to be so.",
    ),
    Rule(
        "NM109",
        "hand/cannot-tell",
        Severity.NOTE,
        "There is a hand, but whether it is sound cannot be told.",
        "The hand is too small, blurred, cut off or twisted for a verdict either way. "
        "It is named so that silence never stands for a hand nobody could judge. With "
        "`--fail-on note` such pictures wait for a person.",
    ),
    Rule(
        "NM111",
        "face/malformed",
        Severity.ERROR,
        "A face is badly drawn.",
        "Eyes of two sizes, a mouth that melts, features where none belong. Such "
        "faces come mostly from too few pixels. Repaint the face with `nightmend "
        "repair`, which gives it all the pixels of the model. Masks and heavy "
        "stylisation can be named too; ignore the rule for such folders.",
    ),
    Rule(
        "NM112",
        "face/too-small",
        Severity.WARNING,
        "A face has too few pixels and shows it.",
        "The face is smaller than the model can draw, so its features are smeared. "
        "`nightmend repair` cuts it out, enlarges it, draws it anew and puts it back. "
        "The size is the setting `faces.min_side_px`.",
    ),
    Rule(
        "NM119",
        "face/cannot-tell",
        Severity.NOTE,
        "A face is turned away or cut off and cannot be judged.",
        "There is a face, and no verdict. It is named so that silence never stands "
        "for a face nobody could judge.",
    ),
    Rule(
        "NM121",
        "body/stray-part",
        Severity.WARNING,
        "A hand or a face belongs to nobody.",
        "A hand without an arm, or a face in the wallpaper. Off unless the setting "
        "`people.stray_parts` is true, because mirrors, posters and pictures that "
        "show nothing but a hand are full of them.",
    ),
    Rule(
        "NM190",
        "segment/*",
        Severity.WARNING,
        "Weights of your own marked a region.",
        "The detector `segments` runs Ultralytics weights that you name, and each of "
        "their classes is a kind of its own, `segment/` and the class. Its severity "
        "is the setting `segments.severity`.",
    ),
    Rule(
        "NM199",
        "anatomy/other",
        Severity.WARNING,
        "A detector of your own objects to a part of a body.",
        "The finding's kind begins with `hand/`, `face/` or `body/`, and no rule of "
        "its own stands for it. Its severity is that of the detector's table of "
        "kinds.",
    ),
)
