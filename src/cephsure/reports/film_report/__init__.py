"""One page on one film for a patient's file: what it says, apart from how PDF and HTML set it."""

from cephsure.reports.film_report.content import FilmReport, Patient, film_report

__all__ = ["FilmReport", "Patient", "film_report"]
