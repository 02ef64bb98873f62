"""The folder of images of a store that keeps them in one, as most tests do."""

from __future__ import annotations

from pipeline.store.database.image_files import ImageFolder
from pipeline.store.database.store import Store


def folder_of(store: Store) -> ImageFolder:
    """The images of a store, which are in a folder."""
    if not isinstance(store.images, ImageFolder):
        raise TypeError(store.images.place)
    return store.images
