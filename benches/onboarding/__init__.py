"""How far a capture alone leads: three families taken away and onboarded again, and every family proposed from its captures.

    python -m benches.onboarding

The edits beside this file are what an engineer changed in each proposal until ``driver check`` passed.
"""
