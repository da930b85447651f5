"""Speed as ratios of two things in one run: machines differ, ratios less so."""
