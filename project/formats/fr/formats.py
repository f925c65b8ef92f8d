from django.conf.locale.fr import formats

DATETIME_FORMAT = f"{formats.DATETIME_FORMAT} T"
SHORT_DATETIME_FORMAT = f"{formats.SHORT_DATETIME_FORMAT} T"
