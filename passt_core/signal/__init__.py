"""Sound in, log-mel spectrogram out."""
