"""Films in over DICOM, results out: a storage service, DICOMweb, discs (extra ``[pacs]``)."""
