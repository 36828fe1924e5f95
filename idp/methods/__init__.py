"""Ways to sign in. A method turns browser input into a Proof and sees neither Flask, SQL, Redis nor keys."""
