"""The commands: arguments in, a call of `operate`, a table or JSON out."""
