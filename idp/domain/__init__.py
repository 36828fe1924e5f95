"""Pure rules: types and the one decision. No Flask, SQL, Redis or cryptography."""
