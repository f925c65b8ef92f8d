"""The probes, one concern a module: each yields ids and facts, for which the catalogue has texts.

settings    system checks, and facts to compare     redis       the session store
sessions    are they shared between processes       database    schema, rights, indexes
clock       this machine's against the others       app         the registration in force
people      could anybody sign in                   refusals    the last hour's
processes   the running ones, compared              roles       are mapped roles still in use
claims      which optional ones are missing         microsoft   what only Microsoft can tell
"""
