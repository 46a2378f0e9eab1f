"""
Loader for the Free Spoken Digit Dataset: a folder of recordings `{digit}_{speaker}_{index}.wav`.

The published one has ten digits, six speakers, fifty times each, mono 16 bit at 8 kHz (CC-BY-SA-4.0, Zohar Jackson and
contributors). Its test set is index 0 to 4.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from models.data.mel_spectrogram import decibels
from models.data.recordings import RecordingError, read_recording
from models.data.spoken_digits import SpokenDigits

NAME = re.compile(r"([0-9])_(.+)_([0-9]+)\.wav")


def load_free_spoken_digits(folder: Path) -> SpokenDigits:
    """
    All recordings of a folder in the order of their names; voices are the speakers' names.

    Raises:
        FileNotFoundError: where there is no such folder.
        RecordingError: for a folder without recordings, or a `.wav` file that has another name or cannot be read.
    """
    if not Path(folder).is_dir():
        raise FileNotFoundError(f"no folder {folder}; needed is one with recordings named 7_anna_0.wav")
    files = sorted(Path(folder).glob("*.wav"))
    names = [NAME.fullmatch(file.name) for file in files]
    if not files:
        raise RecordingError(f"{folder} has no .wav file; needed are recordings named 7_anna_0.wav")
    for file, name in zip(files, names, strict=True):
        if name is None:
            raise RecordingError(f"{file} is not named digit_speaker_index.wav, as 7_anna_0.wav is")
    found = [name for name in names if name is not None]
    clips = np.stack([decibels(read_recording(file)) for file in files])
    labels = np.array([int(name.group(1)) for name in found], dtype=np.int64)
    return SpokenDigits(clips, labels, tuple(name.group(2) for name in found))
