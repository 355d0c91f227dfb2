"""The gate: which points and films can be taken as they are, with a promise, and why not, in words."""

from cephsure.uncertainty.gate.film_reference import FilmReference, site_reference
from cephsure.uncertainty.gate.gate import GATE_FILE, Gate, GateTarget, fit_gate, read_gate, write_gate
from cephsure.uncertainty.gate.risk_control import film_losses
from cephsure.uncertainty.gate.signs import SIGNS, FilmSigns, HeadModel, film_signs
from cephsure.uncertainty.gate.verdict import apply_gate, card_section, judge, promises

__all__ = [
    "GATE_FILE",
    "SIGNS",
    "FilmReference",
    "FilmSigns",
    "Gate",
    "GateTarget",
    "HeadModel",
    "apply_gate",
    "card_section",
    "film_losses",
    "film_signs",
    "fit_gate",
    "judge",
    "promises",
    "read_gate",
    "site_reference",
    "write_gate",
]
