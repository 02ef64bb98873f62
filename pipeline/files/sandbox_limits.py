"""The limits of the process that opens foreign files, which it sets on itself at its start."""

from __future__ import annotations

import ctypes
import resource
import signal
import socket
from contextlib import suppress
from pathlib import Path

MEMORY_BYTES = 1 << 30
"""Address space of the process, and of each helper program that it starts."""
PAGE_SECONDS = 90
"""Processor time of one page or table, seconds."""
WALL_SECONDS = 100
"""Time after which a page or table is given up, seconds: a helper program has ended by then."""
OUTPUT_BYTES = 400_000_000
"""Largest file that may be written, and largest answer."""
MAX_TABLE_BYTES = 64_000_000
"""Largest table."""
_NEW_USER_NAMESPACE, _NEW_NETWORK_NAMESPACE = 0x10000000, 0x40000000
_SET_PARENT_DEATH_SIGNAL = 1
_SET_NO_NEW_PRIVILEGES = 38
_LIKELIEST_VICTIM = "1000"


def confine(memory_bytes: int) -> None:
    """Limit memory and output of this process and its children, and take rights and network away.

    Where the system does not permit namespaces, the network stays: there is no root or unprivileged
    user namespace then, as in most containers. `is_cut_off` tells.

    Raises:
        OSError: the system does not let a process renounce new rights, which every Linux does.
    """
    _lower_limit(resource.RLIMIT_AS, memory_bytes)
    _lower_limit(resource.RLIMIT_FSIZE, OUTPUT_BYTES)
    _lower_limit(resource.RLIMIT_CORE, 0)
    libc = ctypes.CDLL(None, use_errno=True)
    # The process ends with its parent, and is the first that a machine without memory kills.
    libc.prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    # No program that it starts gets more rights than it has, whatever the file's owner or mode
    if libc.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs")
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_LIKELIEST_VICTIM)
    # A network of its own has no way out; an account without rights needs its own users for that.
    if libc.unshare(_NEW_NETWORK_NAMESPACE) != 0:
        libc.unshare(_NEW_USER_NAMESPACE | _NEW_NETWORK_NAMESPACE)


def is_cut_off() -> bool:
    """Return whether this process has no way out to a network. It asks, and sends nothing."""
    for family, address in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        # Addresses for documentation: connecting a datagram socket only looks the way up
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as asked:
            asked.connect((address, 9))
            return False
    return True


def renew_processor_time() -> None:
    """Allow this process the processor time of another page."""
    spent = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    allowed = int(spent.ru_utime + spent.ru_stime) + 1 + PAGE_SECONDS
    if hard != resource.RLIM_INFINITY:
        allowed = min(allowed, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (allowed, hard))


def _lower_limit(kind: int, value: int) -> None:
    soft, hard = resource.getrlimit(kind)
    lowest = min(limit for limit in (soft, hard, value) if limit != resource.RLIM_INFINITY)
    resource.setrlimit(kind, (lowest, hard if kind == resource.RLIMIT_FSIZE else lowest))
