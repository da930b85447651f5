"""The checkpoints that have a name: the bundled one and the published ones, as data.

Files: https://github.com/kkoutini/PaSST/releases. Scores are the published ones (mAP on AudioSet's
evaluation set unless ``trained_on`` names another set).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from passt_core.files import ASSETS

RELEASES = "https://github.com/kkoutini/PaSST/releases/download/"
BUNDLED = "bundled"
BUNDLED_FILE = ASSETS / "checkpoints" / "bundled.safetensors"


@dataclass(frozen=True, kw_only=True)
class OfficialCheckpoint:
    """A published file and what it does not say of itself.

    Attributes:
        file: release and file name under :data:`RELEASES`.
        labels: name of its label set; None: its classes are numbered.
        activation: ``sigmoid`` (many labels at once) or ``softmax`` (one label).
        trained_on: data set.
        score: published figure, in words.
        frames: width of the input; None: inferred from the shapes.
        stride: of the patches, in time and frequency; None: inferred from the shapes.
        hop: of the front end, in samples.
        sha256: of the file, where it is known.
        size: of the file in bytes, where it is known.
    """

    file: str
    labels: str | None = "audioset"
    activation: str = "sigmoid"
    trained_on: str = "AudioSet"
    score: str
    frames: int | None = 998
    stride: int | None = 10
    hop: int = 320
    sha256: str | None = None
    size: int | None = None

    @property
    def url(self) -> str:
        """Where the file is fetched."""
        return RELEASES + self.file


def _esc50(fold: int, accuracy: str, sha256: str) -> OfficialCheckpoint:
    return OfficialCheckpoint(
        file=f"v.0.0.6/esc50-passt-s-n-f128-p16-s10-fold{fold}-acc{accuracy}.pt",
        labels="esc50",
        activation="softmax",
        trained_on=f"AudioSet, then ESC-50 without fold {fold}",
        score=f"accuracy {accuracy} on fold {fold}",
        frames=None,
        stride=10,
        sha256=sha256,
        size=341_731_206,
    )


OFFICIAL: MappingProxyType[str, OfficialCheckpoint] = MappingProxyType(
    {
        "passt_s_swa_p16_128_ap476": OfficialCheckpoint(
            file="v0.0.1-audioset/passt-s-f128-p16-s10-ap.476-swa.pt",
            score="mAP .476",
            sha256="302903fa8c4aee817b11dc982da0b29aaf8d11a3e722420476d0a12c9db70c2c",
            size=344_665_734,
        ),
        "passt_s_kd_p16_128_ap486": OfficialCheckpoint(
            file="v.0.0.9/passt-s-kd-ap.486.pt", score="mAP .486"
        ),
        "passt_l_kd_p16_128_ap47": OfficialCheckpoint(
            file="v.0.0.10/passt-l-kd-ap.47.pt", score="mAP .47"
        ),
        "passt_s_swa_p16_128_ap4761": OfficialCheckpoint(
            file="v0.0.2-audioset/passt-s-f128-p16-s10-ap.4761-swa.pt", score="mAP .4761"
        ),
        "passt_s_p16_128_ap472": OfficialCheckpoint(
            file="v0.0.2-audioset/passt-s-f128-p16-s10-ap.472.pt", score="mAP .472"
        ),
        "passt_s_p16_s12_128_ap470": OfficialCheckpoint(
            file="v0.0.2-audioset/passt-s-f128-p16-s12-ap.470.pt", score="mAP .470", stride=12
        ),
        "passt_s_swa_p16_s12_128_ap473": OfficialCheckpoint(
            file="v0.0.2-audioset/passt-s-f128-p16-s12-ap.473-swa.pt", score="mAP .473", stride=12
        ),
        "passt_s_p16_s14_128_ap469": OfficialCheckpoint(
            file="v0.0.2-audioset/passt-s-f128-p16-s14-ap.469.pt", score="mAP .469", stride=14
        ),
        "passt_s_swa_p16_s14_128_ap471": OfficialCheckpoint(
            file="v0.0.2-audioset/passt-s-f128-p16-s14-ap.471-swa.pt", score="mAP .471", stride=14
        ),
        "passt_s_p16_s16_128_ap468": OfficialCheckpoint(
            file="v0.0.2-audioset/passt-s-f128-p16-s16-ap.468.pt", score="mAP .468", stride=16
        ),
        "passt_s_swa_p16_s16_128_ap473": OfficialCheckpoint(
            file="v0.0.2-audioset/passt-s-f128-p16-s16-ap.473-swa.pt", score="mAP .473", stride=16
        ),
        "passt_s_swa_f128_stfthop100_p16_s10_ap473": OfficialCheckpoint(
            file="v0.0.3-audioset/passt-s-f128-stfthop100-p16-s10-ap.473-swa.pt",
            score="mAP .473",
            frames=3200,
            hop=100,
        ),
        "passt_s_swa_f128_stfthop160_p16_s10_ap473": OfficialCheckpoint(
            file="v0.0.3-audioset/passt-s-f128-stfthop160-p16-s10-ap.473-swa.pt",
            score="mAP .473",
            frames=2000,
            hop=160,
        ),
        "passt_s_f128_20sec_p16_s10_ap474": OfficialCheckpoint(
            file="v0.0.5/passt-s-f128-20sec-p16-s10-ap.474-swa.pt", score="mAP .474", frames=2000
        ),
        "passt_s_f128_30sec_p16_s10_ap473": OfficialCheckpoint(
            file="v0.0.5/passt-s-f128-30sec-p16-s10-ap.473-swa.pt", score="mAP .473", frames=3000
        ),
        "passt_b_f128_p16_s16_ap_459": OfficialCheckpoint(
            file="v.0.0.7-audioset/passt-b-f128-p16-s16-ap.459.pt",
            score="mAP .459",
            frames=None,
            stride=None,
        ),
        "passt_u600_f128_p16_s16_ap_460": OfficialCheckpoint(
            file="v.0.0.7-audioset/passt-u600-f128-p16-s16-ap.460.pt",
            score="mAP .460",
            frames=None,
            stride=None,
        ),
        "openmic_passt_s_f128_10sec_p16_s10_ap85": OfficialCheckpoint(
            file="v0.0.5/openmic-passt-s-f128-10sec-p16-s10-ap.85.pt",
            labels="openmic",
            trained_on="AudioSet, then OpenMIC-2018",
            score="mAP .85",
            frames=None,
        ),
        "fsd50k_passt_s_f128_p16_s10_ap655": OfficialCheckpoint(
            file="v0.0.5/fsd50k-passt-s-f128-p16-s10-ap.655.pt",
            labels=None,
            trained_on="AudioSet, then FSD50K",
            score="mAP .655",
            frames=None,
        ),
        "fsd50k_passt_s_n_f128_p16_s16_ap642": OfficialCheckpoint(
            file="v0.0.5/fsd50k-passt-s-n-f128-p16-s16-ap.642.pt",
            labels=None,
            trained_on="AudioSet, then FSD50K",
            score="mAP .642",
            frames=None,
            stride=16,
        ),
        "esc50_passt_s_n_f128_p16_s10_fold1": _esc50(
            1, ".967", "392e65d4460943ea4a1ff22674e0d655afc9010e67bbf397f820126230eba81c"
        ),
        "esc50_passt_s_n_f128_p16_s10_fold2": _esc50(
            2, ".977", "a924e1d55062669829e60577c11aa51775a5fe9db238e20cce7cec02d5937ffd"
        ),
        "esc50_passt_s_n_f128_p16_s10_fold3": _esc50(
            3, ".959", "8718714100b9e0e78510e542483a135d094cb9a68998684737b6ff73ae610f9d"
        ),
        "esc50_passt_s_n_f128_p16_s10_fold4": _esc50(
            4, ".987", "69292b1a7b8156ce4393d512f399eb92fc5a403d165b211866f54ab9f811d16b"
        ),
        "esc50_passt_s_n_f128_p16_s10_fold5": _esc50(
            5, ".962", "ebfc2c339808d108e4976f61e88e988ed9e0438be09c258e685a49212e53f9a4"
        ),
    }
)
"""name → file; the app, the command line and the README list exactly these."""
