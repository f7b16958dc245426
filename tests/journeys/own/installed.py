"""The wheel, built and installed in an environment of its own, outside the checkout; no test.

What the wheel needs comes from this environment, so that nothing is fetched: building takes the
build backend from the cache that the set-up left.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[3]
UV = Path(sys.executable).parents[1] / "uv" / "bin" / "uv"
SCRIPT = """#!{python}
import sys
from exchange.__main__ import main
sys.exit(main())
"""


def install(folder: Path) -> Path:
    """Build the wheel and install it below `folder`: the folder of its programs (`exchange`,
    `python3`).
    """
    command = [
        str(UV),
        "build",
        "--wheel",
        "--offline",
        "--quiet",
        "--out-dir",
        str(folder),
        str(ROOT),
    ]
    subprocess.run(command, check=True)
    (wheel,) = folder.glob("*.whl")
    place = folder / "venv"
    venv.create(place, with_pip=False, symlinks=True)
    (packages,) = place.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    # (A path that a .pth file adds has its own .pth files left alone: the checkout is not there.)
    (packages / "needed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    script = place / "bin" / "exchange"
    script.write_text(SCRIPT.format(python=place / "bin" / "python3"), encoding="utf-8")
    script.chmod(0o755)
    shutil.rmtree(ROOT / "build", ignore_errors=True)
    return place / "bin"
