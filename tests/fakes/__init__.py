"""Parts that tests hand to the provider in place of the world's: a clock, a mail system, a relying party."""
