from django.conf.locale.es import formats

# One format for each, the short one, with the zone.
DATE_FORMAT = formats.SHORT_DATE_FORMAT
DATETIME_FORMAT = SHORT_DATETIME_FORMAT = f"{formats.SHORT_DATETIME_FORMAT} T"
