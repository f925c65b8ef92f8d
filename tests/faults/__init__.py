"""Everything that ever broke a sign-in, set up for real: page, record, log and doctor tell why.

How to add a fault:
1. Find the file of its kind (test_stores.py, test_proxies.py, ...) or add a `test_….py`. A file is
   played in one process: twenty rows are enough for one.
2. Write a variable: `its_name = Fault("What is wrong", "How it is set up", env={...}, page=...,
   doctor="the.finding", says="a part of its words")`. fault.py tells of each field.
3. What does not fit a row is a function under `@fault("What is wrong", page=..., ...)`. Its
   docstring tells the set-up, it returns `stage.sign_in(...)`; stage.py has sites and servers.
4. The variable is the test: `make test ARGS="tests/faults/test_stores.py::redis_full"`.
5. `make troubleshooting` writes the table of docs/troubleshooting.md, which a test compares.
A row on the site that all share costs a quarter of a processor second with all its servers, one
with a site of its own (`env`, `mistake`, `workers`) a third, one with `ask=URL` half a second.
Rows of the environment alone with which nothing starts (start_up.py) take 10 ms each.
"""
