"""The machines at the counters: their state, bindings and fault tickets."""
