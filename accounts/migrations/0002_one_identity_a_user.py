"""The database, not luck, decides that a user has one Microsoft identity.

allauth's unique (provider, uid) keeps an identity from having two users; this keeps a user
from having two identities, also when two first sign-ins race. The rows of allauth's own provider,
whose uid has no tenant before it, may be several for a user: they are from before, and adopted.
"""

from django.db import migrations

from ..app import label


class Migration(migrations.Migration):
    dependencies = [
        (label(), "0001_initial"),
        ("socialaccount", "0006_alter_socialaccount_extra_data"),
    ]

    operations = [
        migrations.RunSQL(
            sql=(
                "CREATE UNIQUE INDEX accounts_one_identity_a_user"
                " ON socialaccount_socialaccount (user_id)"
                " WHERE provider = 'microsoft' AND uid LIKE '%:%'"
            ),
            reverse_sql="DROP INDEX accounts_one_identity_a_user",
        )
    ]
