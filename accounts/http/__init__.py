"""HTTP to one authority, bounded in time and size; knows nothing of Entra.

client       one pooled client a process
connections  urllib3's, bounded and honest about whether they still work
deadline     what a request may take in all
bulkhead     how many may wait at once
breaker      when not to ask
"""
