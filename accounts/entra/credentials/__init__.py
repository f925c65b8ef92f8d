"""How the app authenticates at the token endpoint: see `proof.Credential`.

secret            the client secret, sent as it is
certificate       a short-lived assertion, signed with the certificate's key
managed_identity  the token of a user-assigned managed identity, a federated credential
token_file        the token that a cluster keeps in a file, a federated credential

Sources: RFC 7523 section 2.2; Microsoft's pages "Microsoft identity platform application
authentication certificate credentials", "Configure an application to trust a managed identity"
and "Workload identity federation".
"""

from .proof import Credential as Credential
from .proof import Secret as Secret
