"""A recipe of another package, in one folder: the whole film, small, through two convolutions.

``recipe.py`` has its numbers and its entry, ``stage.py`` what is trained (torch), ``localizer.py`` what
predicts (numpy). Its package names ``toy_recipe.recipe:ENTRY`` as an entry point "toy" of the group
``cephsure.recipes``.
"""
