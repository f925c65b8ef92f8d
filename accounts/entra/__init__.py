"""Talks to Microsoft Entra ID; knows no model, no request, no policy.

authority    login URL + tenant + app -> discovery document and signing keys, kept fresh
metadata     Microsoft's discovery document, and the checks on it
jwks         Microsoft's signing keys
shared_copy  the cache that workers share, whose entries are sealed
exchange     an authorization code -> an id_token, not verified yet
credentials  how the app authenticates at the token endpoint
tokens       id_token -> verified Claims, or a refusal that names the failed check
known_claims every claim: checked, used, or unchecked for a reason
errors       a request to Microsoft; AADSTS number or OAuth error -> reason code
"""
