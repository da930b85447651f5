"""The transformer, the patches it may lose, and the files its weights come from."""
