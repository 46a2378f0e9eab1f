"""Pictures of task examples, as text that the page can hold."""

from __future__ import annotations

import base64
import io

from PIL import Image

from backends.trace import Array

LARGEST = 192
"""Pixels of a picture's side at most; a larger one is made smaller."""


def picture_uri(image: Array | None) -> str:
    """Pixels (H, W) or (H, W, 3) of uint8 as a data URI of PNG; "" without an image."""
    if image is None:
        return ""
    picture, file = Image.fromarray(image), io.BytesIO()
    picture.thumbnail((LARGEST, LARGEST))
    picture.save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
