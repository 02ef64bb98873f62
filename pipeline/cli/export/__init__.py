"""The commands of the way out: exports, receipts, the FHIR server, the archive."""
