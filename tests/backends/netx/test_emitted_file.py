"""What a file says of itself."""

from __future__ import annotations

import json

from backends.netx.emitted_file import EmittedFile, Place


def test_a_file_is_json_but_for_its_content() -> None:
    file = EmittedFile("a.net", b"\0", {"bits": 3}, 2, True, {"x": Place(0, 4)}, {"y": Place(0, 1, "voltage")}, 5)
    assert json.loads(json.dumps(file.plain())) == {
        "name": "a.net",
        "arguments": {"bits": 3},
        "latency": 2,
        "back_to_back": True,
        "inputs": {"x": {"start": 0, "stop": 4, "of": "value"}},
        "outputs": {"y": {"start": 0, "stop": 1, "of": "voltage"}},
        "relays": 5,
    }
