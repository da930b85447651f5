"""What the library holds, as data: label, file slug, family, how many, which generator."""

from collections.abc import Callable
from dataclasses import dataclass

from numpy.random import Generator

from . import animals, domestic, human, machines, music, water_weather
from .dsp import Signal


@dataclass(frozen=True)
class Source:
    """One class of the library; `label` is an AudioSet display name."""

    label: str
    slug: str
    family: str
    count: int
    generate: Callable[[Generator], Signal]

    @property
    def generator(self) -> str:
        """Name of the generator as the catalogue gives it: module.function."""
        return f"{self.generate.__module__.rsplit('.', 1)[-1]}.{self.generate.__name__}"


SOURCES: tuple[Source, ...] = (
    Source("Rain", "rain", "weather", 8, water_weather.rain),
    Source("Thunder", "thunder", "weather", 5, water_weather.thunder),
    Source("Wind", "wind", "weather", 5, water_weather.wind),
    Source("Waves, surf", "waves", "water", 8, water_weather.waves),
    Source("Stream", "stream", "water", 4, water_weather.stream),
    Source("Drip", "drip", "water", 4, water_weather.drip),
    Source("Fire", "fire", "fire", 8, water_weather.fire),
    Source("Dog", "dog", "animals", 8, animals.dog),
    Source("Crowing, cock-a-doodle-doo", "rooster", "animals", 8, animals.rooster),
    Source("Bird vocalization, bird call, bird song", "bird", "animals", 5, animals.bird),
    Source("Cricket", "cricket", "animals", 5, animals.cricket),
    Source("Owl", "owl", "animals", 4, animals.owl),
    Source("Frog", "frog", "animals", 4, animals.frog),
    Source("Meow", "meow", "animals", 5, animals.meow),
    Source("Purr", "purr", "animals", 4, animals.purr),
    Source("Sheep", "sheep", "animals", 5, animals.sheep),
    Source("Bee, wasp, etc.", "bee", "animals", 4, animals.bee),
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
    Source("Baby cry, infant cry", "baby-cry", "human", 8, human.baby_cry),
    Source("Sneeze", "sneeze", "human", 8, human.sneeze),
    Source("Walk, footsteps", "footsteps", "human", 5, human.footsteps),
    Source("Clapping", "clapping", "human", 4, human.clapping),
    Source("Whistling", "whistling", "human", 4, human.whistling),
    Source("Acoustic guitar", "acoustic-guitar", "music", 5, music.guitar),
    Source("Piano", "piano", "music", 4, music.piano),
    Source("Flute", "flute", "music", 4, music.flute),
    Source("Marimba, xylophone", "marimba", "music", 4, music.marimba),
    Source("Snare drum", "snare-drum", "music", 4, music.snare),
    Source("Hi-hat", "hi-hat", "music", 4, music.hi_hat),
    Source("White noise", "white-noise", "noise", 3, water_weather.white_noise),
    Source("Pink noise", "pink-noise", "noise", 3, water_weather.pink_noise),
)
