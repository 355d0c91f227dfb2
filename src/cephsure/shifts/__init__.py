"""Shifted films: distortion and projections of head CTs."""
