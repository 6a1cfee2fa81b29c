"""Timebank: hours given to co-production, recorded, spent and proved.

Rooms (``identity``, ``members``, ``contributions``, ``redemptions``, ``payments``, ``home``) hold one capability each;
``kit`` holds small pure helpers that every room may use; ``web`` holds what every page shares.
"""
