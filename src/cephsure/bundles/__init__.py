"""Bundles: the folder that a trained model is kept in and given away as."""
