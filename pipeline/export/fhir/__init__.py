"""FHIR R4 files and sending."""
