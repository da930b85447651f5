"""The errors of this package.

Every message states the value that was met, the rule it broke and the way out.
A front end shows :class:`PasstError` to its user; anything else is a bug and is logged.
"""


class PasstError(Exception):
    """Root of all errors that a user can cause and can mend."""


class AudioError(PasstError):
    """A sound that cannot be read or cannot be analysed."""


class CheckpointError(PasstError):
    """A checkpoint that is missing, damaged, unsafe or contradicts its configuration."""


class DownloadError(CheckpointError):
    """A checkpoint that could not be fetched."""


class PatchoutError(PasstError):
    """A patchout that drops too much or names patches that do not exist."""


class LibraryError(PasstError):
    """A sound library that is missing, damaged or made by another model."""


class DatasetError(PasstError):
    """A labelled dataset that cannot be trained on or scored."""


class TrainingError(PasstError):
    """A training that cannot start or cannot go on."""


class ReportError(PasstError):
    """A report that cannot be written."""
