"""The made half of the library: machines, vehicles, alarms, the house, music, noise."""

from functools import partial

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
    Source("Chainsaw", "chainsaw", "machines", 6, machines.chainsaw),
    Source("Engine", "engine", "machines", 4, machines.engine),
    Source("Idling", "idling", "machines", 4, vehicles.idling),
    Source("Accelerating, revving, vroom", "revving", "machines", 5, vehicles.revving),
    Source("Vacuum cleaner", "vacuum-cleaner", "machines", 5, machines.vacuum_cleaner),
    Source("Lawn mower", "lawn-mower", "machines", 4, workshop.lawn_mower),
    Source("Drill", "drill", "machines", 4, workshop.drill),
    Source("Sewing machine", "sewing-machine", "machines", 4, workshop.sewing_machine),
    Source("Mechanical fan", "fan", "machines", 4, workshop.fan),
    Source("Hair dryer", "hair-dryer", "machines", 3, workshop.hair_dryer),
    Source("Blender", "blender", "machines", 3, workshop.blender),
    Source("Printer", "printer", "machines", 4, workshop.printer),
    Source("Jackhammer", "jackhammer", "machines", 3, workshop.jackhammer),
    Source("Sawing", "sawing", "machines", 4, workshop.hand_saw),
    Source("Electric shaver, electric razor", "shaver", "machines", 3, workshop.shaver),
    Source("Helicopter", "helicopter", "vehicles", 6, machines.helicopter),
    Source("Train", "train", "vehicles", 5, machines.train),
    Source("Train horn", "train-horn", "vehicles", 4, vehicles.train_horn),
    Source("Car passing by", "car-passing", "vehicles", 5, vehicles.car_passing),
    Source("Motorcycle", "motorcycle", "vehicles", 5, vehicles.motorcycle),
    Source("Fixed-wing aircraft, airplane", "jet", "vehicles", 4, vehicles.jet),
    Source(
        "Fixed-wing aircraft, airplane", "propeller-plane", "vehicles", 4, vehicles.propeller_plane
    ),
    Source("Ratchet, pawl", "freewheel", "machines", 2, vehicles.freewheel),
    Source("Vehicle horn, car horn, honking", "car-horn", "vehicles", 5, machines.car_horn),
    Source("Foghorn", "foghorn", "vehicles", 4, vehicles.foghorn),
    Source("Siren", "siren", "alarms", 6, machines.siren),
    Source("Civil defense siren", "civil-siren", "alarms", 3, alarms.civil_siren),
    Source("Beep, bleep", "beep", "alarms", 4, domestic.beep),
    Source("Alarm clock", "alarm-clock", "alarms", 4, alarms.alarm_clock),
    Source("Telephone bell ringing", "telephone-bell", "alarms", 4, alarms.telephone_bell),
    Source("Ringtone", "ringtone", "alarms", 3, alarms.ringtone),
    Source("Dial tone", "dial-tone", "alarms", 3, alarms.dial_tone),
    Source("Busy signal", "busy-signal", "alarms", 3, alarms.busy_signal),
    Source("Telephone dialing, DTMF", "dialling", "alarms", 3, alarms.dialling),
    Source("Smoke detector, smoke alarm", "smoke-alarm", "alarms", 4, alarms.smoke_alarm),
    Source("Reversing beeps", "reversing-beeps", "alarms", 4, alarms.reversing_beeps),
    Source("Buzzer", "buzzer", "alarms", 3, alarms.buzzer),
    Source("Church bell", "church-bell", "alarms", 5, domestic.church_bell),
    Source("Bicycle bell", "bicycle-bell", "alarms", 4, domestic.bicycle_bell),
    Source("Tick-tock", "tick-tock", "domestic", 6, domestic.tick_tock),
    Source("Doorbell", "doorbell", "domestic", 4, domestic.doorbell),
    Source("Knock", "knock", "domestic", 5, domestic.knock),
    Source("Typing", "typing", "domestic", 4, household.typing),
    Source("Typewriter", "typewriter", "domestic", 3, household.typewriter),
    Source("Keys jangling", "keys-jangling", "domestic", 4, household.keys_jangling),
    Source("Chink, clink", "glass-chink", "domestic", 4, household.glass_chink),
    Source("Shatter", "shatter", "domestic", 3, household.shatter),
    Source("Slam", "door-slam", "domestic", 4, household.door_slam),
    Source("Dishes, pots, and pans", "dishes", "domestic", 4, household.dishes),
    Source("Cutlery, silverware", "cutlery", "domestic", 3, household.cutlery),
    Source("Coin (dropping)", "coins", "domestic", 3, household.coins),
    Source("Zipper (clothing)", "zipper", "domestic", 3, household.zipper),
    Source("Microwave oven", "microwave", "domestic", 2, household.microwave),
    Source("Toilet flush", "toilet-flush", "domestic", 3, household.toilet_flush),
    Source("Hammer", "hammer", "domestic", 3, household.hammering),
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
    Source("Theremin", "theremin", "music", 1, oddities.theremin),
    Source("Didgeridoo", "didgeridoo", "music", 1, oddities.didgeridoo),
    Source("Sonar", "sonar", "alarms", 1, oddities.sonar),
    Source("Steam whistle", "steam-whistle", "vehicles", 1, oddities.steam_whistle),
    Source("Boing", "boing", "domestic", 1, oddities.boing),
    Source("White noise", "white-noise", "noise", 3, noise.white_noise),
    Source("Pink noise", "pink-noise", "noise", 3, noise.pink_noise),
    Source("Noise", "brown-noise", "noise", 3, noise.brown_noise),
    Source("Static", "static", "noise", 4, noise.static),
    Source("Mains hum", "mains-hum", "noise", 4, noise.mains_hum),
    Source("Sine wave", "sine-wave", "noise", 3, noise.sine_wave),
    Source("Chirp tone", "chirp-tone", "noise", 4, noise.chirp),
)
