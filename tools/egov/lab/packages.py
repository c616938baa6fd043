"""The package source: the machine's own Debian sources, and the caching proxy that plays the city's internal mirror.

No host name of a package archive is written anywhere: sources are read from the machine's apt configuration.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Callable
from pathlib import Path

from egov.errors import EgovError
from egov.lab.namespace import run
from egov.lab.paths import Paths

PORT = 3142
RELEASE = "bookworm"
FILES = "files"
_APT = Path("/etc/apt")


def sources(apt: Path = _APT) -> str:
    """Return the machine's enabled sources of this Debian release in deb822 form; EgovError if there are none."""
    stanzas = []
    for path in sorted(apt.glob("sources.list.d/*.sources")):
        stanzas += [s.strip() for s in re.split(r"\n\s*\n", path.read_text(encoding="utf-8")) if s.strip()]
    for path in [apt / "sources.list", *sorted(apt.glob("sources.list.d/*.list"))]:
        if path.is_file():
            stanzas += [s for line in path.read_text(encoding="utf-8").splitlines() if (s := _from_one_line(line))]
    wanted = [_plain(stanza) for stanza in stanzas if _is_debian(stanza)]
    if not wanted:
        message = f"no source of Debian {RELEASE} is enabled in {apt}; the lab takes its packages from there"
        raise EgovError(message)
    return "\n\n".join(wanted) + "\n"


def _from_one_line(line: str) -> str | None:
    match = re.match(r"deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+(.+)", line.strip())
    if not match:
        return None
    options, uri, suite, components = match.groups()
    signed = re.search(r"signed-by=(\S+)", options or "")
    stanza = f"Types: deb\nURIs: {uri}\nSuites: {suite}\nComponents: {components}"
    return stanza + (f"\nSigned-By: {signed[1]}" if signed else "")


def _is_debian(stanza: str) -> bool:
    """Say whether a stanza offers the release from Debian's archive: its main component, signed by Debian's keyring."""
    fields = dict(re.findall(r"(?m)^([A-Za-z-]+):\s*(.*)$", stanza))
    signed = fields.get("Signed-By", "debian-archive-keyring")
    return (
        fields.get("Enabled", "yes").lower() != "no"
        and any(suite.split("-")[0] == RELEASE for suite in fields.get("Suites", "").split())
        and "main" in fields.get("Components", "").split()
        and "debian-archive" in signed
        and "deb" in fields.get("Types", "").split()
    )


def _plain(stanza: str) -> str:
    return "\n".join(line for line in stanza.splitlines() if not line.startswith("#"))


def for_hosts(deb822: str) -> str:
    """Return the sources as hosts behind the proxy use them: the proxy fetches https itself (`http://HTTPS///…`)."""
    return deb822.replace("https://", "http://HTTPS///")


def fetch_files(lab: Paths, say: Callable[[str], None]) -> None:
    """Fetch what the roles pin (requirements.txt) and the source lacks, as its keeper would; hashes are held to."""
    for pinned in sorted(lab.root.glob("playbooks/roles/*/files/requirements.txt")):
        done = lab.files / f".{hashlib.sha256(pinned.read_bytes()).hexdigest()[:16]}"
        if not done.exists():
            say(f"package source: fetching what {pinned.parent.parent.name} pins")
            lab.files.mkdir(parents=True, exist_ok=True)
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
            run([*pip, "--only-binary=:all:", "--require-hashes", "-d", str(lab.files), "-r", str(pinned)])
            done.touch()


def proxy_commands(lab: Paths, address: str, controller: Path) -> dict[str, list[str]]:
    """Return the processes between hosts and archive: the proxy on a loopback address of the lab's own, two relays.

    Inside the controller's namespace one relay listens on *address*; a UNIX socket, which namespaces do not part,
    leads to the other one beside the proxy. It is the only way out of the lab.
    """
    folder = lab.lab / "proxy"
    configuration = folder / "etc"
    for path in (lab.packages, lab.files, configuration):
        path.mkdir(parents=True, exist_ok=True)
    options = {
        "CacheDir": lab.packages,
        "LogDir": folder,
        "SocketPath": folder / "control",
        "BindAddress": lab.loopback,
        "Port": PORT,
        "LocalDirs": f"{FILES} {lab.files}",
        "ForeGround": 1,
        "SupportDir": "/usr/lib/apt-cacher-ng",
        "VerboseLog": 0,
    }
    text = "".join(f"{name}: {value}\n" for name, value in options.items())
    (configuration / "lab.conf").write_text(text, encoding="utf-8")
    socket = folder / "socket"
    inside = [f"TCP-LISTEN:{PORT},bind={address},fork,reuseaddr", f"UNIX-CONNECT:{socket}"]
    return {
        "proxy": ["apt-cacher-ng", "-c", str(configuration)],
        "way-out": ["socat", f"UNIX-LISTEN:{socket},fork,unlink-early", f"TCP-CONNECT:{lab.loopback}:{PORT}"],
        "way-in": ["nsenter", f"--net={controller}", "socat", *inside],
    }
