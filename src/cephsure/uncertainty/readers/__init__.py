"""Readers as a random effect: how they differ, and what one of them does."""
