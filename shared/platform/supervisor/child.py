"""What runs between fork and exec of a child: ``python -I -S child.py OPTIONS -- COMMAND``.

It ties the child's life to its parent's, and steps down from root where the command refuses to run as root. It is a
script on its own, without imports from the project, so that it costs some ten milliseconds.
"""

import argparse
import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAPABILITY_VERSION_3 = 0x20080522
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2


class _Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _Data(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint32) for name in ("effective", "permitted", "inheritable")]


def become(uid: int, gid: int) -> None:
    """Gives up root for another account.

    On Linux one capability is kept: to pass through folders that are closed to the account, because a data directory
    often lies below ``/root`` or a private temporary folder whose modes are not ours to change.
    """
    linux = sys.platform == "linux"
    libc = ctypes.CDLL(None, use_errno=True)
    if linux:
        libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    if linux:
        _keep_passage(libc)


def _keep_passage(libc: ctypes.CDLL) -> None:
    header = _Header(CAPABILITY_VERSION_3, 0)
    held = (_Data * 2)()
    libc.capget(ctypes.byref(header), held)
    for capability in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE):
        bit = 1 << capability
        if held[0].permitted & bit:
            kept = (_Data * 2)(_Data(bit, bit, bit), _Data(0, 0, 0))
            if libc.capset(ctypes.byref(header), kept) == 0:
                libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0)
            return


def die_with_parent(parent: int, signal: int) -> None:
    """Has the kernel send ``signal`` when the parent ends; where there is no such thing, the next start cleans up."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit(1)


def main() -> None:
    """Reads the options and becomes the command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--death-signal", type=int, required=True)
    parser.add_argument("--uid", type=int)
    parser.add_argument("--gid", type=int)
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    if options.uid is not None:
        become(options.uid, options.gid)
    # Last, because a change of account makes the kernel forget it.
    die_with_parent(options.parent, options.death_signal)
    try:
        os.execv(options.command[0], options.command)
    except OSError as error:
        sys.exit(f"{options.command[0]} cannot be started: {error.strerror}.")


if __name__ == "__main__":
    main()
