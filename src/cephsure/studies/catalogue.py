"""What each experiment asks, in one line, and which further data it needs; in the order of the report."""

from __future__ import annotations

QUESTIONS: dict[str, str] = {
    "accuracy": "How far are the points from the truth, for each annotator and split?",
    "error-correlation": "Does each measure follow the error, point by point?",
    "distortion": "Do the measures rise as films are distorted?",
    "rotation": "Do the measures rise as the head is turned?",
    "other-site": "What changes on the films of another scanner?",
    "observers": "Does uncertainty tell where experts disagree?",
    "detection": "Which measure tells films that a model was not made for?",
    "referral": "What is gained by referring the most uncertain points and films?",
    "samples": "How many members, passes or altered films are needed, and what do they cost?",
}

NEEDS: dict[str, str] = {"rotation": "--ct", "other-site": "--other-site"}
"""The option that gives the data of an experiment for which annotated films are not enough."""
