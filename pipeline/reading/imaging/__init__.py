"""Operations on images that every stage shares."""
