"""FHIR R4: files, and sending them to a server."""
