"""The real race: autoft against what people use now, whole clock, on the same rows, space, model and threads."""
