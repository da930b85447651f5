"""The made half of the library: machines, vehicles, alarms, the house, music, noise."""

from . import domestic, machines, music, water_weather
from .source import Source

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
    Source("Acoustic guitar", "acoustic-guitar", "music", 5, music.guitar),
    Source("Piano", "piano", "music", 4, music.piano),
    Source("Flute", "flute", "music", 4, music.flute),
    Source("Marimba, xylophone", "marimba", "music", 4, music.marimba),
    Source("Snare drum", "snare-drum", "music", 4, music.snare),
    Source("Hi-hat", "hi-hat", "music", 4, music.hi_hat),
    Source("White noise", "white-noise", "noise", 3, water_weather.white_noise),
    Source("Pink noise", "pink-noise", "noise", 3, water_weather.pink_noise),
)
