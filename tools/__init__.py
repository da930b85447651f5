"""Command-line tools that make what the project ships."""
