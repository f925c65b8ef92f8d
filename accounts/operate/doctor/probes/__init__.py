"""What doctor looks at, one concern a module; each yields ids and facts, and no words.

settings     system checks, facts to compare         redis      the session store
sessions     shared with a second process?           database   and what it must keep apart
clock        ours against everyone's                 app        which registration, is it plausible
people       could anybody get in                    refusals   what people have met lately
processes    those that run, compared         microsoft    what only Microsoft can tell
"""
