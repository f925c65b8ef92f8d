from django.db import migrations, models

from ..app import label


class Migration(migrations.Migration):
    dependencies = [
        (label(), "0010_app_roles"),
    ]

    operations = [
        migrations.AddField(
            model_name="signin",
            name="lacking_claims",
            field=models.CharField(blank=True, db_default="", default="", max_length=80),
        ),
    ]
