"""A capture that may be shared: names, ids and dates replaced consistently, same lengths, checksums right, results untouched."""

from lis_bridge.catalogue.anonymise.capture import Anonymised, anonymised

__all__ = ["Anonymised", "anonymised"]
