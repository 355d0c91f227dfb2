"""Radial errors, detection rates, correlations and ROC areas."""
