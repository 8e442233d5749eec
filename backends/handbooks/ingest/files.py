"""Which files an ingest is about, and which documents they are.

A document's id is its path below its folder, without the suffix: the same path of another folder, or an upload of
that name, is the same document. Of several files that differ in the suffix alone, only the first kind of `SUFFIXES`
goes without it. A name that macOS spells with letters and marks apart is the same as with them in one character.
"""

import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from backends.handbooks.catalogue.sources import composed
from backends.handbooks.documents.model import LARGEST, SUFFIXES, Refused
from core.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that a browser or a program sent. `name` may have folders in it, which are part of the document's id."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file of the folder `root`; an upload has the root None. `asked`: the file itself was named, not its folder.

    `twin`: another file of the same folder or upload has its name, in whatever spelling, and is the document.
    """

    document: str
    name: str
    root: str | None
    data: bytes | None = None
    asked: bool = False
    twin: bool = False

    def read(self) -> bytes:
        """Its content. Raises Refused if it cannot be read, or is too large."""
        if self.twin:
            raise Refused("another file has this name, perhaps in another spelling: rename or remove one of the two")
        if self.data is not None:
            if len(self.data) > LARGEST:
                raise Refused(_too_large(self.name, len(self.data)))
            return self.data
        if not _is_text(self.name):
            raise Refused("its name is not UTF-8: rename it")
        path = Path(self.root or "") / self.name
        try:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                raise Refused(f"{self.name} is not a regular file")
            if status.st_size > LARGEST:
                raise Refused(_too_large(self.name, status.st_size))
            return path.read_bytes()
        except OSError as error:
            raise Refused(f"{self.name} cannot be read: {error.strerror}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A folder that was named: `under` is where it stands in `root`, "" or with a slash at its end."""

    root: str
    under: str
    files: tuple[File, ...]


def gather(
    sources: Sequence[Path | Upload], root: Path | None, roots: Iterable[str], known: Mapping[str, str]
) -> tuple[list[File], list[Folder]]:
    """The files in the order of the sources, those of a folder by name, each once; and the folders among the sources.

    `known` are ids under which the catalogue has documents, by those that their names give them today. A file in a
    folder of `roots`, those of earlier ingests, belongs to that folder, unless `root` is given. Symbolic links that
    lead out of a folder are not followed, and names that begin with a dot or `~$` are skipped. Raises InvalidInput if a
    path does not exist, is not in `root`, or cannot be listed.
    """
    files: dict[tuple[str | None, str], File] = {}
    documents: dict[tuple[str | None, str], File] = {}
    twins: list[File] = []
    folders: list[Folder] = []
    for source in sources:
        if isinstance(source, Upload):
            name = _plain(source.name)
            upload = File(document=_id(name, [name]), name=name, root=None, data=source.data, asked=True)
            gathered = _as_known([upload], known)
        else:
            path = Path(os.path.abspath(source))
            if not _is_text(str(path)):
                raise InvalidInput(f"{str(path)!a} is not UTF-8: rename it")
            base = _root(path, root, roots)
            if path.is_dir():
                folder = _folder(path, base)
                gathered = _as_known(folder.files, known)
                folders.append(replace(folder, files=gathered))
            elif path.exists():
                siblings = [entry.name for entry in path.parent.iterdir()]
                gathered = _as_known([_file(path, base, siblings, asked=True)], known)
            else:
                raise InvalidInput(f"there is no file or folder {path}")
        for file in gathered:
            first = documents.setdefault((file.root, file.document), file)
            if (first.name, first.data) != (file.name, file.data):
                twins.append(replace(file, document=file.name, twin=True))
            else:
                files.setdefault((file.root, file.name), file)
    return [*files.values(), *twins], folders


def _as_known(files: Iterable[File], known: Mapping[str, str]) -> tuple[File, ...]:
    return tuple(replace(file, document=known.get(file.document, file.document)) for file in files)


def _root(path: Path, root: Path | None, roots: Iterable[str]) -> Path:
    if root is not None:
        base = Path(os.path.abspath(root))
        if not path.is_relative_to(base):
            raise InvalidInput(f"{path} is not in {base}")
        return base
    around = [Path(one) for one in roots if path.is_relative_to(one)]
    return min(around, key=lambda one: len(one.parts), default=path if path.is_dir() else path.parent)


def _folder(path: Path, root: Path) -> Folder:
    under = path.relative_to(root).as_posix()
    files = tuple(sorted(_walk(path, root), key=lambda file: (composed(file.name), file.name != composed(file.name))))
    return Folder(root=str(root), under="" if under == "." else f"{under}/", files=files)


def _walk(path: Path, root: Path) -> Iterator[File]:
    real = path.resolve()
    for where, inner, names in os.walk(path, onerror=_unlisted):
        inner[:] = [name for name in inner if not name.startswith(".")]
        for name in names:
            file = Path(where) / name
            if name.startswith((".", "~$")) or file.suffix.lower() not in SUFFIXES:
                continue
            if file.is_symlink() and not file.resolve().is_relative_to(real):
                continue
            yield _file(file, root, names)


def _unlisted(error: OSError) -> None:
    # A folder that cannot be listed must not look like an empty one: its documents would be removed.
    raise InvalidInput(f"{error.filename} cannot be listed: {error.strerror}") from error


def _file(path: Path, root: Path, siblings: Sequence[str], *, asked: bool = False) -> File:
    name = path.relative_to(root).as_posix()
    return File(document=_id(name, siblings), name=name, root=str(root), asked=asked)


def _id(name: str, siblings: Sequence[str]) -> str:
    name = composed(name)
    path = PurePosixPath(name)
    order = list(SUFFIXES)
    same = [
        other
        for other in map(PurePosixPath, map(composed, siblings))
        if other.stem == path.stem and other.suffix.lower() in SUFFIXES and other.name != path.name
    ]
    first = all((order.index(other.suffix.lower()), other.suffix) > _rank(path, order) for other in same)
    document = path.with_suffix("").as_posix() if first else name
    return document if _is_text(document) else document.encode(errors="backslashreplace").decode()


def _rank(path: PurePosixPath, order: Sequence[str]) -> tuple[int, str]:
    suffix = path.suffix.lower()
    return (order.index(suffix) if suffix in order else len(order), path.suffix)


def _is_text(name: str) -> bool:
    """Whether a name can be stored: a file system may have names that are not UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _plain(name: str) -> str:
    parts = [part for part in composed(name).replace("\\", "/").split("/") if part not in ("", ".", "..")]
    if not parts or not PurePosixPath(parts[-1]).stem:
        raise InvalidInput("an uploaded file needs a name")
    return "/".join(parts)


def _too_large(name: str, size: int) -> str:
    return f"{name} has {size:,} bytes, more than the {LARGEST:,} that are read: split it"
