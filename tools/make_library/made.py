"""The made half of the library: machines, vehicles, alarms, the house, music, noise."""

from functools import partial

from . import domestic, drums, instruments, machines, mallets, noise, phrases
from .instruments import INSTRUMENTS
from .source import Source

COUNTS = {
    "acoustic-guitar": 6, "electric-guitar": 6, "bass-guitar": 4, "double-bass": 4, "banjo": 4,
    "harp": 4, "harpsichord": 4, "violin": 5, "cello": 4, "string-section": 4, "piano": 6,
    "electric-piano": 4, "organ": 5, "hammond-organ": 4, "accordion": 4, "synthesizer": 5,
    "flute": 5, "clarinet": 4, "saxophone": 4, "trumpet": 5, "trombone": 4, "french-horn": 4,
    "harmonica": 4, "marimba": 4, "xylophone": 3, "vibraphone": 4, "glockenspiel": 4,
    "steelpan": 4, "tubular-bells": 4, "singing-bowl": 4, "gong": 3, "timpani": 4,
}  # fmt: skip
"""Clips of each instrument."""

BAND = tuple(
    Source(INSTRUMENTS[name].label, name, "music", count, partial(instruments.play, name=name))
    for name, count in COUNTS.items()
)
SHARED = tuple(
    Source(
        INSTRUMENTS[timbre].label,
        f"phrase-{phrase}-{timbre}",
        "music",
        1,
        partial(phrases.play, phrase=phrase, timbre=timbre),
        numbered=False,
    )
    for phrase in phrases.PHRASES
    for timbre in phrases.TIMBRES
)

MADE: tuple[Source, ...] = (
    Source("Chainsaw", "chainsaw", "machines", 8, machines.chainsaw),
    Source("Engine", "engine", "machines", 5, machines.engine),
    Source("Vacuum cleaner", "vacuum-cleaner", "machines", 4, machines.vacuum_cleaner),
    Source("Helicopter", "helicopter", "vehicles", 8, machines.helicopter),
    Source("Train", "train", "vehicles", 5, machines.train),
    Source("Vehicle horn, car horn, honking", "car-horn", "vehicles", 5, machines.car_horn),
    Source("Siren", "siren", "alarms", 6, machines.siren),
    Source("Beep, bleep", "beep", "alarms", 4, domestic.beep),
    Source("Church bell", "church-bell", "alarms", 5, domestic.church_bell),
    Source("Bicycle bell", "bicycle-bell", "alarms", 4, domestic.bicycle_bell),
    Source("Tick-tock", "tick-tock", "domestic", 8, domestic.tick_tock),
    Source("Doorbell", "doorbell", "domestic", 4, domestic.doorbell),
    Source("Knock", "knock", "domestic", 5, domestic.knock),
    *BAND,
    Source("Wind chime", "wind-chime", "music", 4, mallets.wind_chime),
    Source("Snare drum", "snare-drum", "music", 4, drums.snare),
    Source("Hi-hat", "hi-hat", "music", 4, drums.hi_hat),
    Source("Bass drum", "bass-drum", "music", 4, drums.bass_drum),
    Source("Cymbal", "cymbal", "music", 4, drums.cymbal),
    Source("Tambourine", "tambourine", "music", 4, drums.tambourine),
    Source("Maraca", "maraca", "music", 3, drums.maraca),
    Source("Drum kit", "drum-kit", "music", 6, drums.drum_kit),
    *SHARED,
    Source("White noise", "white-noise", "noise", 3, noise.white_noise),
    Source("Pink noise", "pink-noise", "noise", 3, noise.pink_noise),
    Source("Noise", "brown-noise", "noise", 3, noise.brown_noise),
    Source("Static", "static", "noise", 4, noise.static),
    Source("Mains hum", "mains-hum", "noise", 4, noise.mains_hum),
    Source("Sine wave", "sine-wave", "noise", 3, noise.sine_wave),
    Source("Chirp tone", "chirp-tone", "noise", 4, noise.chirp),
)
