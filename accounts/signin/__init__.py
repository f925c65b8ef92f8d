"""A sign-in without HTTP: the state, the policy, users and identities, the record.

purpose      why someone is sent to Microsoft, and what proves that it was done
state        goes with them and explains itself when it comes back; `used` lets it count once
policy       who gets in: pure, over the claims, the site's rules and the users they could mean
identities   those users, and binding one to an identity; `bindings` names identities
roles        what app roles mean for rights: pure; `mapping` reads them and gives or takes
flow         these in order: admit, settle, and confirm for a session that is open
record       the row and the log line of every attempt
break_glass  the way in when Microsoft, or its settings, are broken
"""
