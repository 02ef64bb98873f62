"""Reading entries back from the FHIR server: what it has is compared with what was exported."""
