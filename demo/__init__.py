"""The demonstration: relying parties and a mailbox that know the provider by its public protocol only."""
