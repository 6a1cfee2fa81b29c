"""Small pure helpers shared by every room: no web, no SQL, no ambient time."""
