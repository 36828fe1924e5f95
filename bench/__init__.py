"""How much work one operation costs: this provider beside a floor and another provider. See README.md."""
