"""The Timeline tab's own parts: what a visitor hears along a sound, drawn, served and told."""
