"""The screen Signera: own notes one by one, those of absent authors also in batches."""
