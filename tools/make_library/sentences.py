"""What the speech clips say: short sentences in several languages, written for this library."""

from collections.abc import Mapping
from types import MappingProxyType

SENTENCES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "en-gb": (
            "The kettle has just gone off the boil.",
            "Put the ladder back where you found it, please.",
            "I heard an owl behind the barn last night.",
            "We could walk along the river as far as the mill.",
            "Nobody has wound the clock since Sunday.",
        ),
        "en-us": (
            "There are two apples left in the blue bowl.",
            "The last bus leaves at a quarter past nine.",
            "Could you close the window, it is getting cold.",
            "My brother paints boats down at the harbor.",
        ),
        "de": (
            "Der Regen hat endlich aufgehört.",
            "Stell bitte die Milch in den Schrank zurück.",
            "Im Garten steht ein alter Birnbaum.",
            "Morgen fahren wir mit dem Rad zum See.",
        ),
        "fr-fr": (
            "Le chat dort encore sur la chaise.",
            "Nous avons oublié le pain à la maison.",
            "La petite gare se trouve derrière le pont.",
        ),
        "es": (
            "La ventana de la cocina está abierta.",
            "Mañana por la tarde vamos a la playa.",
            "El perro del vecino ladra toda la noche.",
        ),
        "it": (
            "Il treno per il lago parte fra poco.",
            "Ho lasciato le chiavi sopra il tavolo.",
        ),
        "pt": (
            "O barco azul chegou de madrugada.",
            "A minha avó guarda as cartas numa caixa.",
        ),
        "nl": (
            "De fiets staat nog naast de schuur.",
            "Vanavond eten we soep met verse broodjes.",
        ),
        "pl": ("Stary zegar na wieży znowu stanął.", "Jutro rano pójdziemy do lasu na grzyby."),
        "sv": ("Båten ligger kvar vid bryggan.", "Det snöade hela natten i bergen."),
        "fi": ("Saunan ovi jäi taas auki.", "Järven jää kantaa jo kävelijän."),
        "cs": ("Na dvoře štěká malý pes.", "Večer budeme péct jablečný koláč."),
        "tr": ("Bahçedeki kapı rüzgarla açıldı.", "Akşam yemeğinde balık yiyeceğiz."),
        "hu": ("A kertben három macska alszik.", "Holnap korán indul a vonat."),
    }
)
"""eSpeak NG voice to sentences."""
