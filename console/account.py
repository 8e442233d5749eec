"""The operating system's account in which this process runs. What a command puts on record names it beside `--as`."""

import platform

import psutil

from core.values import Account


def this_account() -> Account:
    """The user and the host."""
    # By the process's own user id: LOGNAME and USER, which `getpass.getuser` believes, may say anything.
    return Account(user=psutil.Process().username(), host=platform.node())
