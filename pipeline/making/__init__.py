"""A form from nothing to published: its draft in the workspace, the trial of it on paper, and the freezing of what was tried."""
