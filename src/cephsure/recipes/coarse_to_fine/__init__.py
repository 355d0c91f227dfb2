"""The default recipe: a small network over the whole film, then one over patches round each landmark."""
