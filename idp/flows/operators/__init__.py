"""What operators do: one function each, in one transaction with its audit event. The command line calls them."""
