"""A sign-in without HTTP: the state, the policy, users and identities, the record."""
