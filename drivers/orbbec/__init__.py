"""Orbbec cameras of the second SDK (Gemini, Femto, Astra 2), by the vendor's pyorbbecsdk2."""
