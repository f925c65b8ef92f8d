"""Talks to Microsoft Entra ID; knows no model, no request, no policy.

authority  login URL + tenant -> discovery document and signing keys, cached and kept fresh
exchange   an authorization code -> an id_token, not verified yet
tokens     id_token -> verified Claims, or a refusal that names the failed check
errors     AADSTS number or OAuth error -> reason code
"""
