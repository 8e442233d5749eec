"""`rolltop serve`: the console's server, from any folder and from an installed wheel.

It is `streamlit run console` with an address that is checked first. Streamlit finds the console's own settings, in
`console/.streamlit`, beside the script that it runs.
"""

import argparse
import errno
import os
import re
import socket
import sys
from pathlib import Path

import console
from console.cli.output import Given, tell
from console.model_settings import read_model_settings
from console.settings import read_settings
from console.settings_file import VALUES
from console.sign_in.loopback import is_loopback
from console.value_settings import read_value
from core.errors import InvalidInput

HOST, PORT = "127.0.0.1", 8501
_LONGEST_PATH = 200  # characters
PATH = "STREAMLIT_SERVER_BASE_URL_PATH"
"""Streamlit's own variable: in an image its health check must know the path, too."""


def add_serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--host", default=HOST, help=f"the address of this machine to listen on (default: {HOST}, this machine alone)"
    )
    parser.add_argument("--port", type=_port, default=PORT, help=f"the port to listen on (default: {PORT})")
    parser.add_argument(
        "--path",
        type=_sub_path,
        default=os.environ.get(PATH, ""),
        help=f"the path under which a proxy serves it, such as /hr (default: {PATH}, else /)",
    )


async def serve(options: Given) -> int:
    """Start the console's server, which runs until it gets SIGTERM or Ctrl+C."""
    _read_all_settings()
    _refuse_development(options.host)
    _try_address(options.host, options.port)
    host = f"[{options.host}]" if ":" in options.host else options.host
    url = f"http://{host}:{options.port}/{options.path}"
    tell(options, [{"url": url}], f"Rolltop starts on {url}; Ctrl+C ends it")
    settings = {
        "server.address": options.host,
        "server.port": options.port,
        "server.baseUrlPath": options.path,
        "server.headless": "true",
        # On an address that is not one machine's, Streamlit asks a server elsewhere how it is called from outside.
        "logger.hideWelcomeMessage": "true",
    }
    script = Path(console.__file__).with_name("streamlit_app.py")
    flags = [f"--{name}={value}" for name, value in settings.items()]
    # This process becomes the server, so that it gets its signals itself. `-P`: modules of the working folder that are
    # called like Python's own must not be found first.
    os.execv(sys.executable, [sys.executable, "-P", "-m", "streamlit", "run", str(script), *flags])


def _read_all_settings() -> None:
    """Raises InvalidInput for settings that would let the server run without its desk."""
    if read_settings().spans:
        from backends.tracing import check_sender  # here, because it needs an extra

        check_sender()
    for name, kind in VALUES.items():
        read_value(name, kind)
    read_model_settings()


def _refuse_development(host: str) -> None:
    """Raises InvalidInput for the development sign-in on an address that others may reach."""
    from console.sign_in.way import way  # here, because it loads the whole console, which other commands do not need

    if way().is_development and not is_loopback(host):
        raise InvalidInput(
            f"--host {host}: without a sign-in of your own, anyone can sign in as anyone, so the console serves this "
            f"machine alone: leave --host out, or set ROLLTOP_OIDC_ISSUER and the other settings of a sign-in first, "
            "as docs/sign-in.md says"
        )


def _try_address(host: str, port: int) -> None:
    """Raises InvalidInput if a server cannot listen there."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as trying:
        trying.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trying.bind((host, port))
        except UnicodeError:
            raise InvalidInput(f"{host[:80]!r} is no address of this machine: choose another with --host") from None
        except OSError as error:
            match error.errno:
                case errno.EADDRINUSE:
                    why = "another program listens there: end it, or choose another port with --port"
                case errno.EACCES:
                    why = "this account may not listen there: choose a port from 1024 on with --port"
                case _:
                    why = f"not an address of this machine ({error.strerror}): choose another with --host"
            raise InvalidInput(f"{host}, port {port}: {why}") from None


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65_536:
        raise argparse.ArgumentTypeError(f"{text} is not a port: give a number from 1 to 65535")
    return int(text)


def _sub_path(text: str) -> str:
    path = text.strip("/")
    if path and (len(path) > _LONGEST_PATH or not re.fullmatch(r"[\w.~-]+(/[\w.~-]+)*", path, re.ASCII)):
        raise argparse.ArgumentTypeError(f"{text[:_LONGEST_PATH]} is not a path: give a short one such as /hr")
    return path
