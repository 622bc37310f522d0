"""The ontology, the records, the corpus, and everything that reads or writes them."""
