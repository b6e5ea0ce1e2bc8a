"""Which journal SQLite can trust on the file system below a folder."""

from pathlib import Path
from typing import Literal

NETWORK_TYPES = frozenset(
    {"9p", "afs", "beegfs", "ceph", "cifs", "gfs2", "lustre", "ncpfs", "nfs", "nfs4"}
    | {"ocfs2", "smb2", "smb3", "smbfs"}
    | {"fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs"}
)
"""Write-ahead logging shares memory between processes, which none of these offers."""

MOUNTS = Path("/proc/self/mounts")


def journal_mode_for(
    folder: Path, mounts: str | None = None
) -> Literal["WAL", "DELETE"]:
    """Return "WAL", or "DELETE" for a folder on a network file system.

    Args:
        folder: Where the ledger lies; an existing folder.
        mounts: The mount table in the form of /proc/self/mounts; None reads it, and
            takes a machine without one to have local disks.
    """
    if mounts is None:
        mounts = MOUNTS.read_text(errors="replace") if MOUNTS.exists() else ""
    place = folder.resolve()
    best, kind = -1, ""
    for line in mounts.splitlines():
        columns = line.split()
        if len(columns) < 3:
            continue
        point = Path(columns[1].replace("\\040", " "))
        if place.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), columns[2]
    return "DELETE" if kind in NETWORK_TYPES else "WAL"
