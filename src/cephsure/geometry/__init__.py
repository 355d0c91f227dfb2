"""Coordinates, affine maps, displacement fields and ellipses over image and points."""
