"""The experiments: what each measure of uncertainty is worth, each one function of a ``Study``."""
