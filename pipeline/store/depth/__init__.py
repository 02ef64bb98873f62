"""The depth of entry: attachments, deviations, and pages that are split between clients."""
