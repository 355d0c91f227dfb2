"""The gate: which points and films can be taken as they are, with a promise, and why not, in words."""

from cephsure.uncertainty.gate.apply import Judgement, apply_gate, judge
from cephsure.uncertainty.gate.film_signs import SIGNS, FilmSigns, HeadModel, film_signs
from cephsure.uncertainty.gate.fit import fit_gate
from cephsure.uncertainty.gate.gate import GATE_FILE, Gate, GateTarget, read_gate, write_gate
from cephsure.uncertainty.gate.promise import card_section, promises

__all__ = [
    "GATE_FILE",
    "SIGNS",
    "FilmSigns",
    "Gate",
    "GateTarget",
    "HeadModel",
    "Judgement",
    "apply_gate",
    "card_section",
    "film_signs",
    "fit_gate",
    "judge",
    "promises",
    "read_gate",
    "write_gate",
]
