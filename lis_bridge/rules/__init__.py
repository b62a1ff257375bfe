"""The site's own rules: what is control material, what is critical. Pure."""
