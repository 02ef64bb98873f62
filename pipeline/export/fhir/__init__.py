"""Entries as HL7 FHIR R4: a file of transaction bundles, and sending them to a server."""
