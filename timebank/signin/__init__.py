"""Signing in with a code sent to the member's own e-mail address or phone, and saying once more who one is."""
