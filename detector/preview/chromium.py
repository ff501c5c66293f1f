"""A web page as a PNG, by a headless Chromium that is installed beside us or not at all."""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from PIL import Image, ImageChops

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "chrome")
TALL: Final = 3_000
TIMEOUT_S: Final = 60
_MARGIN: Final = 16


class NoBrowser(Exception):
    """There is no Chromium, or it took no picture; the text says what to do."""


def photograph(page: str, *, width: int, dark: bool = False) -> bytes:
    """The page as a PNG, twice as sharp as its `width`, cut where it ends. Raises NoBrowser."""
    browser = next((found for name in NAMES if (found := shutil.which(name))), None)
    if browser is None:
        raise NoBrowser(
            "pictures of messages need Chromium; install the package 'chromium', "
            "or save what '--channel html' prints and open it in a browser"
        )
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "page.html", Path(folder) / "page.png"
        source.write_text(_framed(page, width), encoding="utf-8")
        command = [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            "--force-device-scale-factor=2", f"--window-size={max(width, 500)},{TALL}",
            f"--user-data-dir={folder}/profile", f"--screenshot={target}",
            *(["--blink-settings=preferredColorScheme=0"] if dark else []),
            source.as_uri(),
        ]  # fmt: skip
        try:
            # The page is ours, and the browser is found by one of four fixed names.
            done = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=False)  # noqa: S603
        except subprocess.TimeoutExpired as error:
            raise NoBrowser(f"{browser}: no picture within {TIMEOUT_S} s") from error
        if not target.is_file():
            raise NoBrowser(f"{browser}: no picture: {done.stderr[-300:].decode(errors='replace')}")
        return _cut(target.read_bytes(), width * 2)


def _framed(page: str, width: int) -> str:
    """The page in a frame of that width: a browser's own window has a least width."""
    inner = page.replace("&", "&amp;").replace('"', "&quot;")
    return (
        f'<body style="margin:0"><iframe style="border:0;width:{width}px;height:{TALL}px" '
        f'srcdoc="{inner}"></iframe></body>'
    )


def _cut(png: bytes, width: int) -> bytes:
    """Cut off the empty lower part, and use a palette."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    image = image.crop((0, 0, width, image.height))
    empty = Image.new("RGB", image.size, image.getpixel((2, image.height - 2)))
    seen = ImageChops.difference(image, empty).getbbox()
    bottom = min(image.height, (seen[3] if seen else 0) + _MARGIN)
    made = io.BytesIO()
    image.crop((0, 0, width, bottom)).quantize(128).save(made, "PNG", optimize=True)
    return made.getvalue()
