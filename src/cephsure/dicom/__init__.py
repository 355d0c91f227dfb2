"""DICOM out and in: structured reports, presentation states, secondary captures; needs the extra ``[dicom]``.

Nothing of a patient is logged, stands in an error or becomes part of a file's name.
"""
