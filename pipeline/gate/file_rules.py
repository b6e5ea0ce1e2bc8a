"""The rules NM3xx: files that are not the pictures they should be."""

from detectors.findings import Severity
from pipeline.gate.rule import Rule

FILE = (
    Rule(
        "NM301",
        "file/unreadable",
        Severity.ERROR,
        "The file cannot be read.",
        "It is gone, empty, a device, or this user may not read it. Nothing is known "
        "about the picture, so the check cannot pass: the exit code is 3, unless the "
        "rule is ignored or the baseline excuses the file.",
    ),
    Rule(
        "NM302",
        "file/truncated",
        Severity.ERROR,
        "The file ends early.",
        "A download, a copy or a save was broken off, or another program is still "
        "writing it. Many viewers show such a file as if nothing were wrong, with a "
        "grey band at the bottom. Make it again.",
    ),
    Rule(
        "NM303",
        "file/damaged",
        Severity.ERROR,
        "The file is damaged, or no picture at all.",
        "A checksum is wrong, the header makes no sense, or the data cannot be "
        "unpacked. Make it again, or take it out of the folder.",
    ),
    Rule(
        "NM304",
        "file/wrong-suffix",
        Severity.ERROR,
        "The file holds another format than its name says.",
        "Programs that trust the name fail on it. Rename the file.",
    ),
    Rule(
        "NM305",
        "file/not-supported",
        Severity.NOTE,
        "The picture is sound, but is not looked at.",
        "Animations, JPEG files with more than 8 bits a channel, and formats other "
        "than PNG, JPEG and WebP, such as GIF and TIFF. Nothing is known about what "
        "they show.",
    ),
    Rule(
        "NM306",
        "file/too-large",
        Severity.WARNING,
        "The picture or its file is larger than the limit.",
        "It is not decoded, because a few bytes can claim to be a picture of "
        "gigabytes (a decompression bomb). Raise `load.max_megapixels` or "
        "`load.max_file_mib` if it is meant.",
    ),
    Rule(
        "NM307",
        "file/changed",
        Severity.WARNING,
        "The file kept changing while it was looked at.",
        "Another program is writing it. Check again when that has ended; the setting "
        "`run.settle_s` leaves young files for later.",
    ),
    Rule(
        "NM308",
        "file/same-stem",
        Severity.NOTE,
        "Two pictures of a folder differ in their suffix only.",
        "Tools that find captions, masks or labels by the name without its suffix "
        "take `a.png` and `a.jpg` for one. Rename one of them.",
    ),
    Rule(
        "NM309",
        "file/twin-name",
        Severity.WARNING,
        "Some file systems take the names of two pictures for one.",
        "They differ only in upper and lower case, or in how an accent is composed. "
        "On Windows and macOS one overwrites the other. Rename one of them.",
    ),
    Rule(
        "NM310",
        "file/not-taken",
        Severity.NOTE,
        "Something among the sources is no ordinary file.",
        "Links are not followed, pipes and devices are not read, and files that are "
        "no picture by their name are left alone when named as such.",
    ),
    Rule(
        "NM311",
        "file/clash",
        Severity.ERROR,
        "Two sources hold a picture of the same name.",
        "The second was not looked at, because results are kept by the path below the "
        "source. Check the two folders one after the other, or name the folder above.",
    ),
    Rule(
        "NM312",
        "file/not-judged",
        Severity.ERROR,
        "The picture could not be judged.",
        "A detector failed on it, or the program did, so nothing can be said about "
        "what that detector looks for. The exit code is 3. The log holds the details "
        "(`--log-file`).",
    ),
)
