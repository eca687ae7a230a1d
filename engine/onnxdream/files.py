"""Files that are written whole, or not at all.

A file is written under another name beside the one that it shall have, and moved
there. The unfinished file is locked while its writer lives, so that the next one
who writes the same file can tell, and remove, what a killed process left behind.
"""

from __future__ import annotations

import errno
import os
import platform
import re
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO
from zlib import crc32

from .errors import OnnxdreamError
from .ranges import said

try:
    import fcntl
except ImportError:  # There is none on Windows.
    fcntl = None  # type: ignore[assignment]

__all__ = ["check_target", "is_address", "path_from", "save", "shown", "why"]

_LONGEST_SHOWN = 200

_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_LEFT = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)

_PRIVATE, _UMASK_DECIDES = 0o600, 0o666

_Name = str | os.PathLike[str]


def shown(path: _Name) -> str:
    """A path as messages show it: in one line, and not for pages."""
    text = os.fspath(path)
    # One that was never text, or holds half a character, is spelled out.
    text = text if text.isprintable() else repr(text)
    if len(text) > _LONGEST_SHOWN:
        half = _LONGEST_SHOWN // 2
        text = f"{text[:half]}…{text[-half:]}"
    return text


def is_address(path: _Name) -> bool:
    """Whether a path that leads nowhere was meant as an address, https://… say."""
    # `Path` makes one slash of two. One letter is a drive of Windows.
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", os.fspath(path)) is not None


def path_from(path: object, error: type[OnnxdreamError]) -> Path:
    """Return what names a file as a path.

    Raises
    ------
    OnnxdreamError
        Of the given class, if it names none.
    """
    try:
        return Path(path)  # type: ignore[arg-type]
    except TypeError as reason:
        raise error(f"A file is named by a string or a path, not by {said(path)}.") from reason


def check_target(path: _Name, error: type[OnnxdreamError]) -> None:
    """Raise now what `save` would raise, before the work is done that is to be saved.

    Parameters
    ----------
    path : str or PathLike
        Where a file shall be.
    error : type
        The class of the error.

    Raises
    ------
    OnnxdreamError
        Of the given class, if the file cannot be written.
    """
    _target(path_from(path, error), error)


def save(content: bytes, path: _Name, error: type[OnnxdreamError]) -> None:
    """Write a file: all of it or nothing.

    A symbolic link is followed; a device or a pipe is written to as it is. A
    file that is replaced hands on its permission bits, its group where the
    process may give that, and its owner where the process is privileged; not
    its access control lists, nor its extended attributes, and another hard link
    to it still leads to what it was.

    What killed processes of this machine left of the same file is removed.

    Parameters
    ----------
    content : bytes
        All of it.
    path : str or PathLike
        Where the file shall be.
    error : type
        The class of the error.

    Raises
    ------
    OnnxdreamError
        Of the given class, if the file cannot be written.
    """
    named = path_from(path, error)
    target, old = _target(named, error)
    try:
        if old is not None and not stat.S_ISREG(old.st_mode):
            target.write_bytes(content)
            return
        _sweep(target, old)
        while not _replaced(target, content, old):
            """Somebody took it for abandoned, in the moment before it was locked."""
    except FileNotFoundError as reason:
        raise error(f"There is no folder {shown(target.parent)} any more.") from reason
    except (OSError, ValueError) as reason:
        raise error(f"{shown(named)} cannot be written: {why(reason)}.") from reason


def _target(path: Path, error: type[OnnxdreamError]) -> tuple[Path, os.stat_result | None]:
    """Where a file really goes, and what is there now, if one can be written there."""
    name = shown(path)
    try:
        old = _stat(path)
        if old is not None and stat.S_ISDIR(old.st_mode):
            raise error(f"{name} is a folder; name a file in it.")
        if old is not None and not os.access(path, os.W_OK):
            raise error(f"{name} is write-protected: you lack the permission to write it.")
        if old is not None and stat.S_ISSOCK(old.st_mode):
            raise error(f"{name} is a socket; name a file.")
        if old is not None and not stat.S_ISREG(old.st_mode):
            return path, old
        target = Path(os.path.realpath(path))
        _check_folder(path, target.parent, error)
        # Its name is a little longer than most.
        _stat(_unfinished(target))
    except (OSError, ValueError) as reason:
        raise error(f"{name} cannot be written: {why(reason)}.") from reason
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise error(
            f"{name} cannot be written: you lack the permission to write in the folder "
            f"{shown(target.parent)}, where it is made under another name first."
        )
    if old is not None and not _may_be_moved_over(target.parent, old):
        raise error(
            f"{name} cannot be written: it is somebody else's, in the folder "
            f"{shown(target.parent)} where everybody may replace only what is their own."
        )
    return target, old


def _check_folder(path: Path, folder: Path, error: type[OnnxdreamError]) -> None:
    found = next((p for p in (folder, *folder.parents) if _stat(p) is not None), folder)
    if not found.is_dir():
        raise error(
            f"There is no folder {shown(folder)}: {shown(found)} is a file, "
            f"so that {shown(path)} cannot be written."
        )
    if found != folder:
        if is_address(path):
            raise error(f"{shown(path)} is an address, and only files can be written.")
        raise error(f"There is no folder {shown(folder)}; make it first.")


def _may_be_moved_over(folder: Path, old: os.stat_result) -> bool:
    holder = folder.stat()
    if not hasattr(os, "geteuid") or not holder.st_mode & stat.S_ISVTX:
        return True
    return os.geteuid() in (0, holder.st_uid, old.st_uid)


def _stat(path: Path) -> os.stat_result | None:
    """What is there, links followed, or None."""
    try:
        return path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None


def why(reason: OSError | ValueError) -> str:
    """What the system says, without the path, which may be long."""
    if isinstance(reason, UnicodeError):
        return "its name cannot be spelled in the file system's encoding"
    if isinstance(reason, OSError):
        if reason.errno == errno.ELOOP:
            return "it is a link that leads back to itself"
        return reason.strerror or str(reason)
    return str(reason)


def _family(target: Path) -> str:
    """How the names of all unfinished files of a target begin, on this machine."""
    whose = f"{crc32(os.fsencode(target.name)):08x}{crc32(platform.node().encode()):08x}"
    return f".onnxdream-{whose}-"


def _unfinished(target: Path) -> Path:
    return target.with_name(f"{_family(target)}{os.getpid()}-{secrets.token_hex(8)}")


def _replaced(target: Path, content: bytes, old: os.stat_result | None) -> bool:
    """Write and move a file, or return False if its unfinished one was taken for abandoned."""
    unfinished = _unfinished(target)
    try:
        # Until it has the old one's bits nobody else shall read what only few might.
        bits = _UMASK_DECIDES if old is None else _PRIVATE
        with os.fdopen(os.open(unfinished, _NEW, bits), "wb") as file:
            if not _claimed(file):
                return False
            file.write(content)
            # The name must not reach the disk before the bytes do.
            file.flush()
            os.fsync(file.fileno())
            if old is not None:
                _hand_on(unfinished, old)
            if fcntl is None:
                # Windows moves no open file.
                file.close()
            unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    return True


def _hand_on(unfinished: Path, old: os.stat_result) -> None:
    """Give a file what another has: the group first, as the bits are meant for it."""
    if hasattr(os, "chown"):
        with suppress(OSError):
            os.chown(unfinished, -1, old.st_gid)
    unfinished.chmod(old.st_mode & 0o777)
    if hasattr(os, "chown"):
        with suppress(OSError):
            os.chown(unfinished, old.st_uid, -1)


def _claimed(file: BinaryIO) -> bool:
    """Lock a new file, if nobody has locked it yet to remove it."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        # Where a file system has no locks, nobody can take one to remove it.
        return True
    return os.fstat(file.fileno()).st_nlink > 0


def _sweep(target: Path, old: os.stat_result | None) -> None:
    """Remove the unfinished files of a target whose writers were killed."""
    if fcntl is None:
        return
    owners = {os.geteuid()} | ({old.st_uid} if old is not None else set())
    with suppress(OSError):
        for left in list(target.parent.glob(f"{_family(target)}*")):
            with suppress(OSError):
                _remove_abandoned(left, owners)


def _remove_abandoned(left: Path, owners: set[int]) -> None:
    descriptor = os.open(left, _LEFT)
    try:
        # It fails where the writer lives.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        found = os.fstat(descriptor)
        own = stat.S_ISREG(found.st_mode) and found.st_uid in owners
        # Meanwhile it may have been finished, and moved.
        if own and os.path.samestat(found, left.lstat()):
            left.unlink()
    finally:
        os.close(descriptor)
