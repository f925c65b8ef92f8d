"""Talks to Microsoft Entra ID; knows no model, no request, no policy.

authority    login URL + tenant + app -> discovery document and signing keys, kept fresh
metadata     what Microsoft publishes, and which of it is believed
jwks         its signing keys
shared_copy  the cache between workers, which is not trusted
exchange     an authorization code -> an id_token, not verified yet
credentials  how the app proves who it is
tokens       id_token -> verified Claims, or a refusal that names the failed check
known_claims every claim: checked, used, or unchecked for a reason
errors       AADSTS number or OAuth error -> reason code
"""
