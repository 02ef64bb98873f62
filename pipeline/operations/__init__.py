"""Running a workspace: intake, workers, health, demo."""
