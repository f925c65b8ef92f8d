"""HTTP to one authority, bounded in time and size; knows nothing of Entra.

client      JSON requests: one client per process, with circuit breaker and bulkhead
transport   one request and its response, on pooled connections
connection  one connection: opened step by step, checked before it is used again
proxy, tls  a company's outgoing proxy; which certificate authorities are trusted
deadline    bounds every wait
causes      why no usable answer came, one exception type per cause
"""
