"""How do entries and pages become packages for an archive (E-ARK)?"""
