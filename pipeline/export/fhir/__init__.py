"""How do entries become FHIR R4 bundles?"""
