"""A clip in, everything the model makes of it out."""
