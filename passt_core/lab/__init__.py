"""The lab: labelled datasets, training with patchout, and scores."""
