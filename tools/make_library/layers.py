"""Two sounds at once: one in front, one behind it, each of them the library's own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import numpy as np
from numpy.random import Generator

from . import (
    animals,
    birds,
    domestic,
    household,
    human,
    insects,
    machines,
    speech,
    steps,
    vehicles,
    water,
    water_weather,
)
from .dsp import SR, Signal, between, normal, overlay, samples
from .source import Source
from .space import mix

Make = Callable[[Generator], Signal]


@dataclass(frozen=True)
class Pair:
    """Two layers.

    Attributes:
        labels: AudioSet display names of front and back, and of what else is in them.
        family: of the front.
        front, back: what makes them.
        under: how far the back lies under the front, in dB of RMS, drawn between the two.
        count: how many clips.
    """

    labels: tuple[str, ...]
    family: str
    front: Make
    back: Make
    under: tuple[float, float]
    count: int = 1


RAIN, BIRDS = "Rain", "Bird vocalization, bird call, bird song"

PAIRS: Mapping[str, Pair] = MappingProxyType(
    {
        "thunder-rain": Pair(
            ("Thunder", RAIN), "weather", water_weather.thunder, water_weather.rain, (7, 14), 2
        ),
        "thunder-wind": Pair(
            ("Thunder", "Wind", RAIN), "weather", water_weather.thunder, water_weather.wind, (6, 12)
        ),
        "dog-rain": Pair(("Dog", RAIN), "animals", animals.dog, water_weather.rain, (15, 22), 2),
        "dog-car": Pair(
            ("Dog", "Car passing by"), "animals", animals.dog, vehicles.car_passing, (14, 22)
        ),
        "owl-crickets": Pair(("Owl", "Cricket"), "animals", birds.owl, insects.cricket, (6, 14), 2),
        "frogs-crickets": Pair(
            ("Frog", "Cricket"), "animals", insects.frog, insects.cricket, (6, 14)
        ),
        "birds-stream": Pair(
            (BIRDS, "Stream"), "animals", birds.bird, water_weather.stream, (10, 18), 2
        ),
        "ducks-stream": Pair(
            ("Duck", "Stream"), "animals", birds.duck, water_weather.stream, (16, 22)
        ),
        "rooster-birds": Pair(
            ("Crowing, cock-a-doodle-doo", BIRDS), "animals", birds.rooster, birds.bird, (10, 16)
        ),
        "sheep-birds": Pair(("Sheep", BIRDS), "animals", animals.sheep, birds.bird, (6, 14)),
        "bees-birds": Pair(("Bee, wasp, etc.", BIRDS), "animals", insects.bee, birds.bird, (6, 14)),
        "crows-wind": Pair(("Crow", "Wind"), "animals", birds.crow, water_weather.wind, (8, 14)),
        "purr-fire": Pair(("Purr", "Fire"), "animals", animals.purr, water_weather.fire, (4, 12)),
        "fire-wind": Pair(
            ("Fire", "Wind"), "fire", water_weather.fire, water_weather.wind, (4, 10), 2
        ),
        "surf-wind": Pair(
            ("Waves, surf", "Wind"), "water", water_weather.waves, water_weather.wind, (4, 10)
        ),
        "surf-splashes": Pair(
            ("Waves, surf", "Splash, splatter"), "water", water_weather.waves, water.splash, (2, 8)
        ),
        "steps-birds": Pair(
            ("Walk, footsteps", BIRDS), "human", steps.footsteps, birds.bird, (22, 28)
        ),
        "whistler-steps": Pair(
            ("Whistling", "Walk, footsteps"), "human", human.whistling, steps.footsteps, (12, 18)
        ),
        "baby-clock": Pair(
            ("Baby cry, infant cry", "Tick-tock"),
            "human",
            human.baby_cry,
            domestic.tick_tock,
            (10, 18),
        ),
        "snorer-clock": Pair(
            ("Snoring", "Tick-tock"), "human", human.snoring, domestic.tick_tock, (10, 16)
        ),
        "speech-rain": Pair(
            ("Speech", RAIN), "human", speech.woman, water_weather.rain, (8, 16), 2
        ),
        "speech-train": Pair(("Speech", "Train"), "human", speech.man, machines.train, (6, 14)),
        "speech-fire": Pair(("Speech", "Fire"), "human", speech.man, water_weather.fire, (4, 12)),
        "talk-dishes": Pair(
            ("Conversation", "Dishes, pots, and pans"),
            "human",
            speech.conversation,
            household.dishes,
            (6, 12),
        ),
        "bell-birds": Pair(
            ("Church bell", BIRDS), "alarms", domestic.church_bell, birds.bird, (14, 22)
        ),
        "siren-rain": Pair(("Siren", RAIN), "alarms", machines.siren, water_weather.rain, (6, 14)),
    }
)


def looped(rng: Generator, make: Make, n: int) -> Signal:
    """Clips of one generator, cross-faded one after the other up to `n` samples, (n,)."""
    lap = samples(0.8)
    out = normal(make(rng))
    while len(out) < n:
        new = normal(make(rng))
        ramp = np.sin(0.5 * np.pi * np.linspace(0, 1, lap))
        joined = out[-lap:] * ramp[::-1] + new[:lap] * ramp
        out = np.concatenate([out[:-lap], joined, new[lap:]])
    return out[:n]


def pair(rng: Generator, name: str) -> Signal:
    """A clip of two layers, (n,): the front once, the back for as long as it lasts."""
    scene = PAIRS[name]
    front = normal(scene.front(rng))
    late = between(rng, 0.0, 0.4)
    n = min(len(front) + samples(late + 0.3), samples(5.6))
    placed = np.zeros(n)
    overlay(placed, front, min(late, max(n / SR - len(front) / SR, 0.0)))
    return mix((placed, 0), (looped(rng, scene.back, n), -between(rng, *scene.under)))


LAYERS: tuple[Source, ...] = tuple(
    Source(
        scene.labels[0],
        name,
        scene.family,
        scene.count,
        partial(pair, name=name),
        also=scene.labels[1:],
        numbered=scene.count > 1,
    )
    for name, scene in PAIRS.items()
)
