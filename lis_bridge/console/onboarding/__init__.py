"""Drivers in the making: captures that engineers upload, what they decide about them, and the draft that comes of it."""
