"""Every sound of a folder in, one table out: what a model hears in each."""
