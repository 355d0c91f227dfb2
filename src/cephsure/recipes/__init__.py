"""Recipes: networks, stages, augmentation, export and localizer of each way to train a model."""
