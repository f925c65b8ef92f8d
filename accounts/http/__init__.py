"""HTTP to one authority, bounded in time and size; knows nothing of Entra.

client      JSON: one client a process, with a circuit breaker and a bulkhead
transport   one request, one answer, on pooled connections
connection  opened step by step, honest about whether it still works
proxy, tls  a company's outgoing proxy, and whose authorities are trusted
deadline    what a request may wait in all
causes      why no usable answer came, a type each
"""
