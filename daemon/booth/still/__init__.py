"""Still pictures: photographs, cards, what is kept of a frame."""
