"""Three instances under load while their parts fail: what people meet, counted."""
