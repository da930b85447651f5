"""The living and natural half of the library: weather, water, fire, animals, people."""

from . import animals, birds, human, insects, water_weather
from .source import Source

NATURE: tuple[Source, ...] = (
    Source("Rain", "rain", "weather", 8, water_weather.rain),
    Source("Thunder", "thunder", "weather", 5, water_weather.thunder),
    Source("Wind", "wind", "weather", 5, water_weather.wind),
    Source("Waves, surf", "waves", "water", 8, water_weather.waves),
    Source("Stream", "stream", "water", 4, water_weather.stream),
    Source("Drip", "drip", "water", 4, water_weather.drip),
    Source("Fire", "fire", "fire", 8, water_weather.fire),
    Source("Dog", "dog", "animals", 8, animals.dog),
    Source("Crowing, cock-a-doodle-doo", "rooster", "animals", 8, birds.rooster),
    Source("Bird vocalization, bird call, bird song", "bird", "animals", 6, birds.bird),
    Source("Chirp, tweet", "chirp", "animals", 4, birds.chirp),
    Source("Cricket", "cricket", "animals", 5, insects.cricket),
    Source("Owl", "owl", "animals", 5, birds.owl),
    Source("Pigeon, dove", "pigeon", "animals", 4, birds.pigeon),
    Source("Crow", "crow", "animals", 4, birds.crow),
    Source("Duck", "duck", "animals", 4, birds.duck),
    Source("Goose", "goose", "animals", 4, birds.goose),
    Source("Frog", "frog", "animals", 4, insects.frog),
    Source("Meow", "meow", "animals", 5, animals.meow),
    Source("Purr", "purr", "animals", 4, animals.purr),
    Source("Sheep", "sheep", "animals", 5, animals.sheep),
    Source("Bee, wasp, etc.", "bee", "animals", 4, insects.bee),
    Source("Fly, housefly", "fly", "animals", 3, insects.fly),
    Source("Mosquito", "mosquito", "animals", 3, insects.mosquito),
    Source("Baby cry, infant cry", "baby-cry", "human", 8, human.baby_cry),
    Source("Sneeze", "sneeze", "human", 8, human.sneeze),
    Source("Walk, footsteps", "footsteps", "human", 5, human.footsteps),
    Source("Clapping", "clapping", "human", 4, human.clapping),
    Source("Whistling", "whistling", "human", 4, human.whistling),
)
