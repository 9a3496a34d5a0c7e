"""Search in the literature that lies beside the curated evidence library: BM25, sentence embeddings, and both fused. Pure.

What is found here is for a reader to look at. No conclusion ever rests on it.
"""
