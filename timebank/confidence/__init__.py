"""Tell someone else: what people say in confidence, to an independent person, past everybody who runs the time bank."""
