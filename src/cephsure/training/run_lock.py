"""A folder that one process works in: another is refused, and the lock dies with its process."""

from __future__ import annotations

import logging
import os
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from cephsure.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK_FILE = ".lock"
_POLL_SECONDS = 0.1
_log = logging.getLogger(__name__)


@contextmanager
def hold(folder: Path, *, patience_s: float = 0.0) -> Iterator[None]:
    """Work in a folder alone; it is made if it is absent, and goes again if nothing was written into it.

    The system itself keeps the lock and drops it with the process, however that ends: a lock file that was
    left behind locks nothing.

    Args:
        folder: where to work.
        patience_s: how long another process is waited for, that may be about to end.

    Raises:
        InputError: another process works there, or the folder cannot be written to.
    """
    made = not folder.exists()
    path = folder / LOCK_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = _locked(path, time.monotonic() + patience_s)
    except OSError as error:
        raise InputError(f"cannot be written to: {error.strerror or error}", where=folder) from error
    if descriptor is None:
        what = "another process is at work here"
        raise InputError(what, where=folder, remedy="wait until it is done, or choose another --out")
    try:
        yield
    finally:
        with suppress(OSError):  # where an open file cannot be removed it stays
            path.unlink()
        os.close(descriptor)
        if made:
            with suppress(OSError):  # something was written
                folder.rmdir()


def _locked(path: Path, until: float) -> int | None:
    """The lock file, open and locked; None where another process has had it until then."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        if _try_to_lock(descriptor):
            # Who held it may have removed it meanwhile: then somebody else can lock a new one of this name.
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), path.stat()):
                    return descriptor
            os.close(descriptor)
            continue
        os.close(descriptor)
        if time.monotonic() >= until:
            return None
        time.sleep(_POLL_SECONDS)


def _try_to_lock(descriptor: int) -> bool:
    """Lock an open file without waiting; where the system knows no locks, as if it did."""
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            return False
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        _log.warning("this file system knows no locks (%s): start no second run in this folder", error)
    return True
