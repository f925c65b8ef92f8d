"""A sign-in without HTTP: the state, the policy, users and identities, the record.

purpose      why someone is sent to Microsoft, and which claims prove it
state        the `state` parameter: issued, read, diagnosed; `used` marks it, so that it counts once
policy       who gets in: pure, over the claims, the site's rules and the users they could belong to
identities   those users, and binding one to an identity; `bindings` has the forms of its uid
roles        what app roles mean for rights: pure; `mapping` reads the mapping and applies it
flow         these in order: admit and settle, and confirm for an open session
record       the row and the log line of every attempt
break_glass  one-time links for when Microsoft, or its settings, are broken
"""
