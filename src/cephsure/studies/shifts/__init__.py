"""Shifted films: head CTs projected, elastic distortion, corruptions, pictures that are no cephalograms."""
