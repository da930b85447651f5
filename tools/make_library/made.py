"""The made half of the library: machines, vehicles, alarms, the house, music, noise."""

from functools import partial
from types import MappingProxyType

from . import (
    alarms,
    domestic,
    drums,
    household,
    instruments,
    machines,
    mallets,
    noise,
    oddities,
    phrases,
    vehicles,
    workshop,
)
from .instruments import INSTRUMENTS
from .source import Source

COUNTS = MappingProxyType(
{
    "acoustic-guitar": 2, "electric-guitar": 3, "bass-guitar": 2, "ukulele": 2, "pizzicato": 2,
    "harp": 2, "harpsichord": 2, "violin": 3, "string-section": 2, "piano": 2,
    "electric-piano": 1, "organ": 2, "accordion": 2, "synthesizer": 1, "flute": 3, "trumpet": 3,
    "trombone": 2, "french-horn": 2, "harmonica": 2, "marimba": 1, "xylophone": 2,
    "vibraphone": 1, "glockenspiel": 3, "singing-bowl": 3,
}
)  # fmt: skip
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
    Source("Chainsaw", "chainsaw", "machines", 5, machines.chainsaw),
    Source("Engine", "engine", "machines", 3, machines.engine),
    Source("Idling", "idling", "machines", 2, machines.idling),
    Source("Accelerating, revving, vroom", "revving", "machines", 3, vehicles.revving),
    Source("Vacuum cleaner", "vacuum-cleaner", "machines", 4, machines.vacuum_cleaner),
    Source("Drill", "drill", "machines", 2, workshop.drill),
    Source("Sewing machine", "sewing-machine", "machines", 2, workshop.sewing_machine),
    Source("Jackhammer", "jackhammer", "machines", 3, workshop.jackhammer),
    Source("Sawing", "sawing", "machines", 3, workshop.hand_saw),
    Source("Electric shaver, electric razor", "shaver", "machines", 2, workshop.shaver),
    Source("Helicopter", "helicopter", "vehicles", 5, machines.helicopter),
    Source("Train", "train", "vehicles", 4, machines.train),
    Source("Train horn", "train-horn", "vehicles", 3, vehicles.train_horn),
    Source("Car passing by", "car-passing", "vehicles", 3, vehicles.car_passing),
    Source("Motorcycle", "motorcycle", "vehicles", 4, vehicles.motorcycle),
    Source("Fixed-wing aircraft, airplane", "jet", "vehicles", 3, vehicles.jet),
    Source(
        "Fixed-wing aircraft, airplane", "propeller-plane", "vehicles", 2, vehicles.propeller_plane
    ),
    Source("Vehicle horn, car horn, honking", "car-horn", "vehicles", 3, machines.car_horn),
    Source("Foghorn", "foghorn", "vehicles", 2, vehicles.foghorn),
    Source("Siren", "siren", "alarms", 4, machines.siren),
    Source("Civil defense siren", "civil-siren", "alarms", 2, alarms.civil_siren),
    Source("Beep, bleep", "beep", "alarms", 3, domestic.beep),
    Source("Alarm clock", "alarm-clock", "alarms", 3, alarms.alarm_clock),
    Source("Telephone bell ringing", "telephone-bell", "alarms", 3, alarms.telephone_bell),
    Source("Ringtone", "ringtone", "alarms", 2, alarms.ringtone),
    Source("Dial tone", "dial-tone", "alarms", 2, alarms.dial_tone),
    Source("Busy signal", "busy-signal", "alarms", 2, alarms.busy_signal),
    Source("Telephone dialing, DTMF", "dialling", "alarms", 2, alarms.dialling),
    Source("Smoke detector, smoke alarm", "smoke-alarm", "alarms", 3, alarms.smoke_alarm),
    Source("Reversing beeps", "reversing-beeps", "alarms", 2, alarms.reversing_beeps),
    Source("Buzzer", "buzzer", "alarms", 2, alarms.buzzer),
    Source("Church bell", "church-bell", "alarms", 3, domestic.church_bell),
    Source("Bicycle bell", "bicycle-bell", "alarms", 3, domestic.bicycle_bell),
    Source("Tick-tock", "tick-tock", "domestic", 4, domestic.tick_tock),
    Source("Doorbell", "doorbell", "domestic", 3, domestic.doorbell),
    Source("Knock", "knock", "domestic", 3, domestic.knock),
    Source("Typing", "typing", "domestic", 3, household.typing),
    Source("Keys jangling", "keys-jangling", "domestic", 2, household.keys_jangling),
    Source("Chink, clink", "glass-chink", "domestic", 2, household.glass_chink),
    Source("Shatter", "shatter", "domestic", 2, household.shatter),
    Source("Slam", "door-slam", "domestic", 2, household.door_slam),
    Source("Dishes, pots, and pans", "dishes", "domestic", 3, household.dishes),
    Source("Coin (dropping)", "coins", "domestic", 2, household.coins),
    Source("Microwave oven", "microwave", "domestic", 1, household.microwave),
    Source("Hammer", "hammer", "domestic", 2, household.hammering),
    *BAND,
    Source("Wind chime", "wind-chime", "music", 3, mallets.wind_chime),
    Source("Snare drum", "snare-drum", "music", 3, drums.snare),
    Source("Hi-hat", "hi-hat", "music", 2, drums.hi_hat),
    Source("Bass drum", "bass-drum", "music", 2, drums.bass_drum),
    Source("Cymbal", "cymbal", "music", 3, drums.cymbal),
    Source("Tambourine", "tambourine", "music", 2, drums.tambourine),
    Source("Maraca", "maraca", "music", 2, drums.maraca),
    Source("Drum kit", "drum-kit", "music", 3, drums.drum_kit),
    *SHARED,
    Source("Theremin", "theremin", "music", 1, oddities.theremin),
    Source("Steam whistle", "steam-whistle", "vehicles", 1, oddities.steam_whistle),
    Source("Boing", "boing", "domestic", 1, oddities.boing),
    Source("White noise", "white-noise", "noise", 2, noise.white_noise),
    Source("Pink noise", "pink-noise", "noise", 2, noise.pink_noise),
    Source("Noise", "brown-noise", "noise", 2, noise.brown_noise),
    Source("Static", "static", "noise", 2, noise.static),
    Source("Mains hum", "mains-hum", "noise", 2, noise.mains_hum),
    Source("Sine wave", "sine-wave", "noise", 2, noise.sine_wave),
    Source("Chirp tone", "chirp-tone", "noise", 2, noise.chirp),
)
