"""Folders that a Dockerfile's steps take for the root of a machine: this system's programs and Python, and no more.

A root has the system's `/usr`, which cannot be written, the Python of the tests as `/usr/local`, as Docker's image of
Python has it, and an `/etc` of its own. Each command has its own mounts and processes, which end with it.
"""

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tests.support.desks import PATIENCE
from tests.support.dockerfile import Stage, Step

PYTHON = Path(sys.base_prefix)
_ETC = ("ssl", "hosts", "resolv.conf", "nsswitch.conf", "login.defs", "ld.so.conf", "ld.so.conf.d", "pip.conf")
_EMPTY = ("dev", "proc", "tmp", "usr", "root", "opt", "etc")
_LINKS = ("bin", "lib", "lib64", "sbin")
_REACH = ("PIP_", "SSL_CERT", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
"""How the variables begin that pip needs here to reach its registry."""
_LOOPBACK_UP = "import fcntl, socket, struct; fcntl.ioctl(socket.socket(), 0x8914, struct.pack('16sH14x', b'lo', 1))"


def missing() -> str | None:
    """Why no clean root can be made here; None if it can."""
    if os.geteuid():
        return "only root may make a clean root"
    if sys.base_prefix == "/usr":
        return "the Python of the tests is the system's own, which is no folder to move"
    tried = subprocess.run(["unshare", "--mount", "--pid", "--net", "--fork", "true"], capture_output=True, text=True)
    return f"mounts of one's own are refused: {tried.stderr.strip()}" if tried.returncode else None


class CleanRoot:
    """The root of one stage; `environment`, `folder` and `user` are what the steps so far have set."""

    def __init__(self, root: Path) -> None:
        self.root, self.folder, self.user = root, "/", "0"
        self.environment = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        for name in _EMPTY:
            (root / name).mkdir(parents=True)
        (root / "tmp").chmod(0o1777)
        for name in _LINKS:
            if Path("/", name).is_symlink():
                (root / name).symlink_to(os.readlink(f"/{name}"))
        for name in _ETC:
            if (path := Path("/etc", name)).is_dir():
                shutil.copytree(path, root / "etc" / name, symlinks=True)
            elif path.exists():
                shutil.copy(path, root / "etc" / name)
        (root / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
        (root / "etc" / "group").write_text("root:x:0:\n")
        self.run(["ldconfig"])

    def carry_out(self, stage: Stage, context: Path, built: Mapping[str, "CleanRoot"]) -> None:
        """All steps of the stage. `context` is the folder of the Dockerfile, `built` the stages before, by name.

        What a step that uses pip's cache leaves is kept outside the checkout, as Docker keeps it: the same steps over
        the same files take it from there.
        """
        digest = hashlib.sha256(f"{sys.version} {PYTHON}".encode())
        for step in stage.steps:
            digest.update(f"{step}".encode())
            if step.name == "COPY" and (file := context / step.words[0]).is_file():
                digest.update(file.read_bytes())
            match step.name:
                case "WORKDIR":
                    self.folder = step.text
                    self._inside(step.text).mkdir(parents=True, exist_ok=True)
                case "ENV":
                    self.environment |= dict(word.split("=", 1) for word in step.words)
                case "USER":
                    self.user = step.text
                case "COPY":
                    self._copy(step, context, built)
                case "RUN" if "mount" in step.flags:
                    self._run_once(step, digest.hexdigest()[:12])
                case "RUN":
                    self._run(step)
                case _:
                    pass  # what a running container needs

    def _inside(self, path: str) -> Path:
        return self.root / os.path.join(self.folder, path).lstrip("/")

    def _copy(self, step: Step, context: Path, built: Mapping[str, "CleanRoot"]) -> None:
        source, target = step.words
        if "from" in step.flags:
            _copy_tree(built[step.flags["from"]].root / source.lstrip("/"), self._inside(target))
        elif source == ".":
            _copy_context(context, self._inside(target))
        elif (context / source).is_dir():
            _copy_tree(context / source, self._inside(target))
        else:
            shutil.copy(context / source, self._inside(target))

    def _run_once(self, step: Step, digest: str) -> None:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rolltop-tests"
        kept = cache / f"image-{digest}"
        if not kept.exists():
            self._run(step)
            kept.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=cache) as unfinished:
                _copy_tree(self.root, made := Path(unfinished, "root"))
                with suppress(OSError):  # another run was first
                    made.rename(kept)
            return
        shutil.rmtree(self.root)
        _copy_tree(kept, self.root)

    def copied(self, root: Path) -> "CleanRoot":
        """A root that begins with all that is in this one, as a stage does that is built from it."""
        copy = CleanRoot(root)
        _copy_tree(self.root, root)
        copy.folder, copy.user, copy.environment = self.folder, self.user, dict(self.environment)
        return copy

    def _run(self, step: Step) -> None:
        binds = {}
        if mount := step.flags.get("mount"):
            kind, target = (part.split("=")[1] for part in mount.split(","))
            assert (kind, target) == ("cache", "/root/.cache/pip"), "another mount than pip's cache"
            asked = [sys.executable, "-m", "pip", "cache", "dir"]
            binds[target] = Path(subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip())
            binds[target].mkdir(parents=True, exist_ok=True)
        reach = {name: value for name, value in os.environ.items() if name.startswith(_REACH)}
        self.run(step.command, environment={**reach, **self.environment, "HOME": "/root"}, binds=binds)

    def run(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        binds: Mapping[str, Path] | None = None,
        read_only: bool = False,
        network: bool = True,
    ) -> str:
        """What the command prints. `binds` are other folders in places of the root; if it is `read_only`, only they
        and /tmp can be written. Without `network` the command reaches itself alone. A command that fails is an error.
        """
        root, lines = shlex.quote(str(self.root)), ["set -e", "mount --make-rprivate /"]
        lines.append(f"mount --bind {root} {root}")
        places = {"/usr": Path("/usr"), "/usr/local": PYTHON, "/dev": Path("/dev"), **(binds or {})}
        places |= {f"/{name}": Path("/", name) for name in _LINKS if not (self.root / name).is_symlink()}
        for place, folder in places.items():
            inside = self.root / place.lstrip("/")
            if not place.startswith("/usr"):
                inside.mkdir(parents=True, exist_ok=True)
            lines.append(f"mount --bind {shlex.quote(str(folder))} {shlex.quote(str(inside))}")
            if place.startswith("/usr"):
                lines.append(f"mount -o remount,ro,bind {shlex.quote(str(inside))}")
        lines.append(f"mount -t proc proc {root}/proc")
        if read_only:
            lines += [f"mount -t tmpfs tmpfs {root}/tmp", f"mount -o remount,ro,bind {root}"]
        if not network:
            lines.append(f"{shlex.quote(sys.executable)} -c {shlex.quote(_LOOPBACK_UP)}")
        given = [f"{name}={value}" for name, value in (environment or self.environment).items()]
        inner = ["/bin/sh", "-c", f'cd {shlex.quote(self.folder)} && exec "$@"', "sh", *command]
        lines.append(f"exec chroot --userspec={self.user} {root} env -i {shlex.join([*given, *inner])}")
        apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child", *([] if network else ["--net"])]
        ran = subprocess.run(
            [*apart, "sh", "-c", "\n".join(lines)], capture_output=True, text=True, timeout=7 * PATIENCE
        )
        assert ran.returncode == 0, f"{shlex.join(command)}\n{ran.stdout}{ran.stderr}"
        return ran.stdout


def _copy_tree(source: Path, target: Path) -> None:
    """Copy what is in the folder into the target, beside what is there, as Docker does."""
    target.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", "--reflink=auto", f"{source}/.", target], check=True)


def _copy_context(context: Path, target: Path) -> None:
    """Copy what .dockerignore leaves of the folder: it excludes all, and names what is taken all the same."""
    lines = [line for line in (context / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert lines[0] == "*", "it must exclude all first"
    ignored = shutil.ignore_patterns(*(line.removeprefix("**/") for line in lines if line.startswith("**/")))
    for line in lines:
        if line.startswith("!"):
            path = context / line[1:]
            if path.is_dir():
                shutil.copytree(path, target / path.name, ignore=ignored)
            else:
                shutil.copy(path, target / path.name)
