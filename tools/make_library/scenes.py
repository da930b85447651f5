"""The eight example clips: other seeds than the library's, some of two layers."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from . import animals, birds, domestic, machines, music, water_weather
from .dsp import Signal, curve, low, normal, overlay, samples
from .layers import looped
from .space import mix, outdoors, pass_by, room


@dataclass(frozen=True)
class Scene:
    """One example clip; `labels` are AudioSet display names, `take` numbers the seed."""

    slug: str
    title: str
    labels: tuple[str, ...]
    generate: Callable[[Generator], Signal]
    take: int = 0


def storm(rng: Generator) -> Signal:
    """Rain, and two strikes of thunder in it."""
    n = samples(9.0)
    thunder = np.zeros(n)
    overlay(thunder, normal(water_weather.thunder(rng)), 1.0)
    overlay(thunder, normal(water_weather.thunder(rng)), 5.2, 0.5)
    return mix((looped(rng, water_weather.rain, n), -7), (thunder, 0))


def windy_yard(rng: Generator) -> Signal:
    """A dog barks somewhere behind the wind."""
    n = samples(7.0)
    barks = np.zeros(n)
    overlay(barks, normal(animals.dog(rng)), 0.6)
    overlay(barks, normal(animals.dog(rng)), 4.2, 0.8)
    far = outdoors(rng, barks, distance=15, wet=0.35)
    return mix((far, 0), (looped(rng, water_weather.wind, n), -5))


def fireside(rng: Generator) -> Signal:
    """A clock on the mantelpiece over a fire."""
    n = samples(7.0)
    clock = room(rng, domestic.clock(rng, n), rt60=0.5, wet=0.3)
    return mix((looped(rng, water_weather.fire, n), 0), (clock, -7))


def strings(rng: Generator) -> Signal:
    """A tune on plucked strings over a broken chord."""
    n = samples(8.0)
    tune = music.melody(rng, 57, 7.0, 0.4)
    bass = [(0.05 + 1.6 * k, 1.5, note) for k, note in enumerate((45, 41, 48, 43))]
    upper = [(at + 0.4 * j, 1.2, note + 7 * j) for at, _, note in bass for j in range(1, 3)]
    return room(rng, music.guitar_notes(rng, n, tune + bass + upper), rt60=0.9, wet=0.25)


def farm_morning(rng: Generator) -> Signal:
    """A rooster, birds around it."""
    n = samples(7.0)
    crow = np.zeros(n)
    overlay(crow, normal(birds.rooster(rng)), 0.4)
    overlay(crow, normal(birds.rooster(rng)), 3.9, 0.8)
    return mix((crow, 0), (looped(rng, birds.bird, n), -16))


def passing_siren(rng: Generator) -> Signal:
    """A siren comes, passes, goes."""
    n = samples(9.0)
    tone = machines.siren_tone(rng, n, "wail")
    moved = pass_by(tone, speed=17.0, closest=9.0, when=4.6)
    street = low(looped(rng, machines.engine, n), 600)
    return mix((outdoors(rng, moved, distance=20, wet=0.4), 0), (street, -24))


def shore(rng: Generator) -> Signal:
    """Surf, wave after wave."""
    return looped(rng, water_weather.waves, samples(10.0))


def clearing(rng: Generator) -> Signal:
    """A chainsaw at work; a helicopter draws near."""
    n = samples(8.0)
    rotor = looped(rng, machines.helicopter, n) * curve(n, [(0, 0.1), (0.5, 0.5), (1, 1.0)])
    saw = looped(rng, machines.chainsaw, n) * curve(n, [(0, 1), (0.5, 0.8), (0.75, 0.1), (1, 0.05)])
    return mix((saw, 0), (rotor, -1))


SCENES: tuple[Scene, ...] = (
    Scene("storm", "Rain and thunder", ("Rain", "Thunder"), storm),
    Scene("windy-yard", "A dog in a windy yard", ("Dog", "Wind"), windy_yard, take=2),
    Scene("fireside", "A clock by the fire", ("Fire", "Tick-tock"), fireside),
    Scene("plucked-strings", "A tune on plucked strings", ("Acoustic guitar",), strings, take=4),
    Scene(
        "farm-morning",
        "A rooster at dawn",
        ("Crowing, cock-a-doodle-doo", "Bird vocalization, bird call, bird song"),
        farm_morning,
        take=1,
    ),
    Scene("passing-siren", "A siren passes by", ("Siren",), passing_siren, take=5),
    Scene("shore", "Waves on the shore", ("Waves, surf",), shore, take=4),
    Scene("clearing", "Chainsaw, then a helicopter", ("Chainsaw", "Helicopter"), clearing, take=3),
)
