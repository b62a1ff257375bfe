"""The vocabulary of the bridge: results, messages, faults, holds, moments, clock. Imports nothing of ours."""
