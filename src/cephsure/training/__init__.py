"""Recipes, the training loop, checkpoints and the bundle writer (torch)."""
