"""Other packages for the same job, each on a stock `startproject`, set up as its own pages say.

edits      what each asks to be written, to the letter, and the steps around it
hosts      makes a project, writes the edits into it, and serves it
visits     a browser that signs in and meets a handful of failures
network    a network of its own, in which Microsoft's names lead to the emulator

`make comparison` runs it and writes docs/comparison.md. Root on Linux: a network namespace is made.
"""
