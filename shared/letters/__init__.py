"""Letters: approval, request for information, notice of clinical review."""
