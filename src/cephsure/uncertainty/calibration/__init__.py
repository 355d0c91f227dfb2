"""From measures to millimetres: what is fitted on films that were not trained on, and its application."""
